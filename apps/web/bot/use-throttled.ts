import { useCallback, useEffect, useRef } from "react";

/** Calls the newest `action` soon after the first of several calls; the returned function never changes. */
export function useThrottled(action: () => void, intervalMs: number): () => void {
  const latest = useRef(action);
  const timer = useRef<ReturnType<typeof setTimeout> | undefined>(undefined);
  useEffect(() => {
    latest.current = action;
  }, [action]);
  useEffect(() => () => clearTimeout(timer.current), []);
  return useCallback(() => {
    timer.current ??= setTimeout(() => {
      timer.current = undefined;
      latest.current();
    }, intervalMs);
  }, [intervalMs]);
}

import { useSyncExternalStore } from "react";
import { readFragment } from "./fragment.ts";

/** The session in the address; null: a new conversation. */
export function useSelectedSession(): string | null {
  return useSyncExternalStore(
    subscribe,
    () => readFragment(window.location.hash, "s"),
    () => null,
  );
}

export function selectNewSession(): void {
  window.location.hash = "";
}

function subscribe(listener: () => void): () => void {
  window.addEventListener("hashchange", listener);
  return () => window.removeEventListener("hashchange", listener);
}

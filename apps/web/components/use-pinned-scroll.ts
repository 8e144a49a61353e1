import { type RefObject, useCallback, useEffect, useRef, useState } from "react";

const NEAR_END_PX = 60;
const AT_END_PX = 1; // positions are fractional
/** What a reader scrolls with; the layout scrolls too, whenever something above changes its height. */
const READER_EVENTS = ["wheel", "touchmove", "keydown", "pointerdown"] as const;

/**
 * Keeps `pane` at its end while `content` grows, until the reader scrolls up. A new `jump` goes to the end in any case.
 * Returns whether the reader is away from the end, and what takes them there.
 */
export function usePinnedScroll(
  pane: RefObject<HTMLElement | null>,
  content: RefObject<HTMLElement | null>,
  jump: string | undefined,
): [isAway: boolean, scrollToEnd: () => void] {
  const isPinned = useRef(true);
  const [isAway, setAway] = useState(false);

  const scrollToEnd = useCallback(() => {
    isPinned.current = true;
    pane.current?.scrollTo({ top: pane.current.scrollHeight });
  }, [pane]);

  useEffect(() => {
    if (pane.current === null || content.current === null) return;
    const observer = new ResizeObserver(() => {
      if (isPinned.current) scrollToEnd();
    });
    observer.observe(pane.current);
    observer.observe(content.current);
    const forget = watchReader(pane.current, isPinned, setAway);
    return () => {
      observer.disconnect();
      forget();
    };
  }, [pane, content, scrollToEnd]);

  useEffect(() => {
    if (jump !== undefined) scrollToEnd();
  }, [jump, scrollToEnd]);

  return [isAway, scrollToEnd];
}

function watchReader(pane: HTMLElement, isPinned: { current: boolean }, setAway: (isAway: boolean) => void) {
  const controller = new AbortController();
  const options = { signal: controller.signal, passive: true };
  let isByReader = false;
  let last = { top: pane.scrollTop, height: pane.scrollHeight };
  const onScroll = (): void => {
    const { scrollHeight, scrollTop, clientHeight } = pane;
    const distance = scrollHeight - scrollTop - clientHeight;
    const isUpwards = scrollTop < last.top;
    const isByLayout = scrollHeight !== last.height && !isByReader;
    if (distance <= AT_END_PX || (distance < NEAR_END_PX && !isUpwards)) isPinned.current = true;
    else if (isUpwards && !isByLayout) isPinned.current = false;
    if (isPinned.current) isByReader = false;
    last = { top: scrollTop, height: scrollHeight };
    setAway(!isPinned.current);
  };
  const onReader = (): void => {
    isByReader = true;
  };
  pane.addEventListener("scroll", onScroll, options);
  for (const type of READER_EVENTS) pane.addEventListener(type, onReader, options);
  return () => controller.abort();
}

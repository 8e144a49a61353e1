import { type RefObject, useEffect } from "react";

/**
 * Puts a region into the tab order while there is something to scroll to in it, so that the keyboard can. Its children
 * may grow; they stay the same ones.
 */
export function useScrollFocus(region: RefObject<HTMLElement | null>): void {
  useEffect(() => {
    const element = region.current;
    if (!element) return;
    const update = (): void => {
      const { scrollHeight, clientHeight, scrollWidth, clientWidth } = element;
      if (scrollHeight > clientHeight || scrollWidth > clientWidth) element.tabIndex = 0;
      else element.removeAttribute("tabindex");
    };
    const observer = new ResizeObserver(update); // tells the first sizes, too
    for (const observed of [element, ...element.children]) observer.observe(observed);
    return () => observer.disconnect();
  }, [region]);
}

import { useRef } from "react";
import { useScrollFocus } from "./use-scroll-focus.ts";

/** A text as it is, such as what went into a tool. */
export function TextBlock({ label, text }: { label: string; text: string }) {
  const region = useRef<HTMLPreElement>(null);
  useScrollFocus(region);
  return (
    <div>
      <div className="mb-1 text-muted-foreground text-xs">{label}</div>
      <pre
        ref={region}
        className="max-h-64 overflow-auto whitespace-pre-wrap break-words rounded-md bg-muted p-2 font-mono text-xs leading-relaxed"
      >
        {text || "(nothing)"}
      </pre>
    </div>
  );
}

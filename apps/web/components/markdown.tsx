import { type ComponentProps, useRef } from "react";
import {
  type Components,
  type ControlsConfig,
  defaultComponents,
  defaultRehypePlugins,
  type ExtraProps,
  Streamdown,
} from "streamdown";
import { useScrollFocus } from "./use-scroll-focus.ts";

/** HTML in an answer stays text: the step that would parse it is left out. */
const { raw: _raw, ...rehypePlugins } = defaultRehypePlugins;
const REHYPE_PLUGINS = Object.values(rehypePlugins);

const CONTROLS: ControlsConfig = { table: false, code: { copy: true, download: false }, mermaid: false, image: false };

const COMPONENTS: Components = { a: Link, img: ImageLink, code: Code, table: Table };

/** An answer as the model writes it. Nothing in it makes the browser fetch anything. */
export function Markdown({ text, isStreaming }: { text: string; isStreaming: boolean }) {
  return (
    <Streamdown
      rehypePlugins={REHYPE_PLUGINS}
      components={COMPONENTS}
      controls={CONTROLS}
      linkSafety={{ enabled: false }}
      lineNumbers={false}
      parseIncompleteMarkdown={isStreaming}
      isAnimating={isStreaming}
      className="answer break-words"
    >
      {text}
    </Streamdown>
  );
}

function Link({ href, children }: ComponentProps<"a"> & ExtraProps) {
  return (
    <a href={href} target="_blank" rel="noopener noreferrer nofollow" className="text-primary underline">
      {children}
    </a>
  );
}

/** A picture would tell its server who reads this, and when. */
function ImageLink({ src, alt }: ComponentProps<"img"> & ExtraProps) {
  return <Link href={typeof src === "string" ? src : undefined}>{alt || "image"}</Link>;
}

/** A block scrolls sideways, so the keyboard has to reach it. */
function Code(props: ComponentProps<"code"> & ExtraProps) {
  const DefaultCode = defaultComponents.code;
  return <DefaultCode {...props} {...("data-block" in props && { tabIndex: 0 })} />;
}

function Table({ children }: ComponentProps<"table"> & ExtraProps) {
  const region = useRef<HTMLElement>(null);
  useScrollFocus(region);
  return (
    <section ref={region} aria-label="Table" className="my-4 overflow-x-auto rounded-xl border">
      <table className="w-full divide-y divide-border">{children}</table>
    </section>
  );
}

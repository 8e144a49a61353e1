import { Component, lazy, memo, type ReactNode, Suspense } from "react";

interface AnswerTextProps {
  readonly text: string;
  readonly isStreaming: boolean;
}

const Markdown = lazy(async () => ({ default: (await loadMarkdown()).Markdown }));

/** Called ahead of the first answer, so that nothing jumps when it comes. */
export function loadMarkdown() {
  return import("./markdown.tsx");
}

/** Plain text until the markdown renderer is there, which the first load does not wait for, and whenever that fails. */
export const AnswerText = memo(function AnswerText({ text, isStreaming }: AnswerTextProps) {
  const plain = <p className="whitespace-pre-wrap break-words">{text}</p>;
  return (
    <Fallback plain={plain}>
      <Suspense fallback={plain}>
        <Markdown text={text} isStreaming={isStreaming} />
      </Suspense>
    </Fallback>
  );
});

class Fallback extends Component<{ plain: ReactNode; children: ReactNode }, { hasFailed: boolean }> {
  override state = { hasFailed: false };

  static getDerivedStateFromError() {
    return { hasFailed: true };
  }

  override render() {
    return this.state.hasFailed ? this.props.plain : this.props.children;
  }
}

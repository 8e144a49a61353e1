import { Cat } from "./cat.tsx";

const STARTERS = [
  "What can you do for me, Pickle?",
  "Read agents/pickle/AGENT.md and tell me about your job",
  "Tell me a story about a cat and an event log",
];

export function EmptyState({ onPrompt }: { onPrompt: (text: string) => void }) {
  return (
    <div className="m-auto flex w-full max-w-md flex-col gap-6 py-6">
      <Cat className="size-16" />
      <div className="flex flex-col gap-2">
        <h2 className="font-semibold text-2xl tracking-tight">Hello. I’m Pickle.</h2>
        <p className="text-muted-foreground leading-relaxed">
          A cat with a day job. I read files, answer questions and remember what was said. Between messages I nap, with
          one ear up.
        </p>
      </div>
      <ul aria-label="Suggestions" className="flex flex-col gap-2">
        {STARTERS.map((text) => (
          <li key={text}>
            <button
              type="button"
              data-testid="starter"
              onClick={() => onPrompt(text)}
              className="w-full rounded-xl border px-4 py-2.5 text-left text-sm hover:bg-muted"
            >
              {text}
            </button>
          </li>
        ))}
      </ul>
    </div>
  );
}

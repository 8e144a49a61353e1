import type { CommandView } from "@my-bot/protocol";
import { useEffect, useRef } from "react";
import type { CommandMenu as Menu } from "./use-command-menu.ts";

export const COMMAND_MENU_ID = "command-menu";

export function commandOptionId({ name }: CommandView): string {
  return `${COMMAND_MENU_ID}-${name}`;
}

/** Above the field, which keeps the focus. */
export function CommandMenu({ menu: { options, active, choose } }: { menu: Menu }) {
  if (options.length === 0) return null;
  return (
    <div
      id={COMMAND_MENU_ID}
      role="listbox"
      tabIndex={-1}
      aria-label="Commands"
      data-testid="command-menu"
      className="absolute inset-x-4 bottom-full z-10 mb-2 max-h-96 overflow-y-auto rounded-xl border bg-background p-1 shadow-md sm:inset-x-6"
    >
      {options.map((command) => (
        <CommandOption key={command.name} command={command} isActive={command === active} onChoose={choose} />
      ))}
    </div>
  );
}

interface CommandOptionProps {
  readonly command: CommandView;
  readonly isActive: boolean;
  onChoose(command: CommandView): void;
}

function CommandOption({ command, isActive, onChoose }: CommandOptionProps) {
  const option = useRef<HTMLButtonElement>(null);
  useEffect(() => {
    if (isActive) option.current?.scrollIntoView({ block: "nearest" });
  }, [isActive]);
  return (
    <button
      ref={option}
      type="button"
      role="option"
      id={commandOptionId(command)}
      aria-selected={isActive}
      onClick={() => onChoose(command)}
      className="flex w-full items-baseline gap-3 rounded-lg px-3 py-1.5 text-left text-sm hover:bg-muted aria-selected:bg-muted"
    >
      <span className="shrink-0 font-mono">
        /{command.name} <span className="text-muted-foreground">{command.arguments}</span>
      </span>
      <span className="min-w-0 text-muted-foreground">{command.description}</span>
    </button>
  );
}

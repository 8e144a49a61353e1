import type { CommandView } from "@my-bot/protocol";
import { type KeyboardEvent, useState } from "react";

export interface CommandMenu {
  /** What the typed word may become; empty: the menu is closed. */
  readonly options: readonly CommandView[];
  readonly active: CommandView | undefined;
  choose(command: CommandView): void;
  /** True: the key was for the menu. */
  onKeyDown(event: KeyboardEvent): boolean;
}

export interface CommandMenuOptions {
  readonly text: string;
  readonly commands: readonly CommandView[];
  /** Puts it into the field. */
  onComplete(text: string): void;
  onSend(text: string): void;
}

/** The menu of commands while a message is nothing but the beginning of one, such as `/he`. */
export function useCommandMenu({ text, commands, onComplete, onSend }: CommandMenuOptions): CommandMenu {
  const [position, setPosition] = useState({ text: "", index: 0 });
  const [dismissed, setDismissed] = useState(""); // the text at which the menu was closed by Escape
  const options = dismissed === text ? [] : findCommands(text, commands);
  const index = position.text === text ? position.index : 0;
  const active = options[index];

  const choose = (command: CommandView): void => {
    const whole = `/${command.name}`;
    if (command.arguments === "") onSend(whole);
    else onComplete(`${whole} `);
  };
  const move = (step: number): void => setPosition({ text, index: (index + step + options.length) % options.length });
  const keys: Readonly<Record<string, (command: CommandView) => void>> = {
    ArrowDown: () => move(1),
    ArrowUp: () => move(-1),
    Escape: () => setDismissed(text),
    Tab: ({ name, arguments: args }) => onComplete(`/${name}${args === "" ? "" : " "}`),
    Enter: choose,
  };
  const onKeyDown = ({ key, shiftKey }: KeyboardEvent): boolean => {
    const act = keys[key];
    if (active === undefined || act === undefined || shiftKey) return false;
    if (key === "Enter" && text === `/${active.name}`) return false; // it is whole, and is sent like any message
    act(active);
    return true;
  };
  return { options, active, choose, onKeyDown };
}

function findCommands(text: string, commands: readonly CommandView[]): readonly CommandView[] {
  const word = /^\/(\S*)$/.exec(text)?.[1]?.toLowerCase();
  if (word === undefined) return [];
  return commands.filter(({ name, aliases }) => [name, ...aliases].some((each) => each.startsWith(word)));
}

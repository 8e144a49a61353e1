import { posix } from "node:path";
import type { Approval, ToolRule } from "../../workspace/tools-config.ts";

/** A command that is words and nothing else: no quotes, variables, globs, redirections, lists, comments, substitutions. */
const PLAIN = /^[\w./:@%+,=-]+(?:[ \t]+[\w./:@%+,=-]+)*$/;

/** Programs that run what their arguments say: no rule for their first words tells what will happen. */
const LAUNCHERS = new Set(
  (
    "env sh bash dash zsh ksh mksh ash fish csh tcsh busybox toybox sudo doas su runuser setpriv chroot unshare nsenter " +
    "xargs parallel nohup nice ionice time timeout setsid stdbuf script watch flock exec eval command builtin source . " +
    "trap find awk gawk mawk sed ssh"
  ).split(" "),
);

/**
 * What the rules say of a command; undefined: nothing. A rule matches the same command, or one that begins with its
 * words. Only plain words can match `allow`; what cannot be read for certain is not let through beside rules that ask
 * or deny (SPEC APR8).
 */
export function approvalOfCommand(rules: readonly ToolRule[], command: string, otherwise: Approval): Approval {
  const words = PLAIN.test(command) ? command.split(/[ \t]+/) : undefined;
  const rule = rules.find(({ match, approval }) =>
    approval === "allow" ? isAllowed(match, words) : isMentioned(match, command),
  );
  if (rule) return rule.approval;
  const isUnclear = words === undefined || isLauncher(words);
  const isRestricted = rules.some(({ approval }) => approval !== "allow");
  return isUnclear && isRestricted && otherwise === "allow" ? "ask" : otherwise;
}

function isAllowed(match: string, words: readonly string[] | undefined): boolean {
  if (words === undefined || isLauncher(words)) return false;
  return toWords(match).every((word, index) => words[index] === word);
}

/** Wide on purpose: the words of the rule one after the other, wherever in the command. */
function isMentioned(match: string, command: string): boolean {
  const wanted = toWords(match);
  const words = command.split(/[^\w./:@%+,=-]+/).filter((word) => word !== "");
  return (
    match === command || words.some((_, start) => wanted.every((word, index) => isSame(words[start + index], word)))
  );
}

/** `/usr/bin/git` is `git`, too. */
function isSame(word: string | undefined, wanted: string): boolean {
  return word !== undefined && (word === wanted || posix.basename(word) === wanted);
}

/** An assignment before the command changes what that does, too. */
function isLauncher([program = ""]: readonly string[]): boolean {
  return program.includes("=") || LAUNCHERS.has(posix.basename(program));
}

function toWords(match: string): string[] {
  return match.trim().split(/\s+/);
}

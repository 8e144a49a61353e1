import type { Attachment } from "@my-bot/protocol";
import { longestBacktickRun } from "./code-span.ts";

/** What the offline model knows of the conversation. */
export interface Talk {
  /** The user's messages, the newest last. */
  readonly said: readonly string[];
  readonly skillIds: readonly string[];
  readonly canRead: boolean;
}

const setup = `To give me a real brain:

1. In the workspace folder, copy \`config.example.yaml\` to \`config.user.yaml\`.
2. Put your key into \`llm.api_key\` and check \`llm.model\`.
3. Ask me again: the server notices by itself.

Until then I answer from a short script, without any network.`;

const tip = "\n\n(I am scripted. Ask me about the **API key** and I will tell you how to plug in a real model.)";

const story = `Once there was a cat with a day job. Every morning at nine she sat down on the warm end of a router and read the log.

Events came in, one after the other, each with a number, and none was ever lost, for she counted them twice. At noon she ate a sardine. In the afternoon a socket dropped in the middle of a sentence. Anyone else would have started over. The cat looked up the last number that had arrived, went to that very line, and read on from there as if nothing had happened.

"How do you remember it all?" asked the dog from accounting.

"I don't," said the cat. "I write it down first, and only then I purr."

And at five she curled up on the keyboard, which, by good fortune, was idempotent.`;

const introduction =
  "I am the understudy: a small script that keeps the chair warm while no language model is configured. " +
  "The cat you are looking for has a day job and a real brain; I have the paws and a few good lines.";

const moods = [
  "Well fed and fully synced, thank you. How are you?",
  "Quite content. The log is tidy and the sun is on the keyboard.",
  "Purring along. One event at a time, in order, none lost.",
];

const thanks = [
  "Any time. I work for sardines.",
  "You are welcome. It was on my way.",
  "My pleasure. Back to guarding the log.",
];

const farewells = [
  "Bye! I will be on the warm end of the router.",
  "See you. Everything you said is written down; come back any time.",
  "Good bye. I shall pretend to be asleep.",
];

const shrugs = [
  "Good question. A real model would know; I only have a script and a confident tail.",
  "I would look wise and say nothing, but I was told to be honest: my script does not cover that.",
  "Hm. I could knock a glass off the table for you instead. An answer to that needs a real model.",
];

const nods = [
  "Noted. I cannot do much with it while I am offline, but it is safe in the log.",
  "I heard you, and I turned one ear towards you, which is the most a script can do.",
  "Understood, or at least written down. For understanding I need a real model.",
  "That sounds important. I have put it where I keep the good string.",
];

const namePattern = /\b(?:my name is|call me)\s+(\p{L}[\p{L}'-]{0,30})/iu;

type Rule = readonly [pattern: RegExp, answer: (talk: Talk, match: RegExpExecArray) => string];

/** The first that matches the newest message answers. */
const rules: readonly Rule[] = [
  [namePattern, greetByName],
  [/\b(?:what(?:'s|’s| is)|do you (?:know|remember)) my name\b|\bwho am i\b/i, recallName],
  [/\bapi.?keys?\b|\bset ?up\b|\bconfig|\breal (?:model|brain|llm)\b|\bgo online\b/i, () => setup],
  [/\bwhat did i (?:say|ask|write|tell)|\bmy (?:last|previous|first) (?:message|question)\b/i, recallMessage],
  [/\bcount (?:up )?to (\d{1,9})\b/i, (_, match) => count(Number(match[1]))],
  [/\bstory\b|\blong (?:text|answer|reply)\b|\bpoem\b/i, () => story],
  [/\bskills?\b/i, listSkills],
  [/\bhelp\b|\bwhat can you do\b/i, help],
  [/\bwho are you\b|\bwhat are you\b|\bare you (?:real|a (?:bot|cat|human|robot))\b|\bscripted\b/i, () => introduction],
  [/\bwhat (?:time|day|date)\b|\bwhat(?:'s|’s| is) the (?:time|date|day)\b|\btoday's date\b/i, tellTime],
  [/\bhow are you\b|\bhow(?:'s|’s| is) it going\b/i, pickFrom(moods)],
  [/\bthank(?:s| you)\b|\bcheers\b/i, pickFrom(thanks)],
  [/\b(?:bye|goodbye|see you|good night)\b/i, pickFrom(farewells)],
  [/^\W*(?:hi|hello|hey|hallo|hola|howdy|good (?:morning|day|evening|afternoon)|meow|miau)\b/i, greet],
];

/** A short answer to the newest message, always the same for the same conversation. */
export function reply(talk: Talk): string {
  const text = newest(talk);
  for (const [pattern, answer] of rules) {
    const match = pattern.exec(text);
    if (match) return answer(talk, match);
  }
  const isEveryNowAndThen = talk.said.length % 3 === 0;
  return (text.includes("?") ? pickFrom(shrugs) : pickFrom(nods))(talk) + (isEveryNowAndThen ? tip : "");
}

/** A script has no eyes. */
export function replyToImage({ media_type, bytes, width, height }: Attachment): string {
  const size = `${Math.ceil(bytes / 1024).toLocaleString("en")} KiB`;
  return `That is an image: ${media_type}, ${width} × ${height} pixels, ${size}. I have filed it in the log, and I cannot look at it: my whiskers are scripted. A real model that takes images could tell you what is on it.`;
}

/** What to say once the tool has answered: its beginning, word for word. */
export function replyToTool(asked: string, result: string): string {
  if (/^(?:Cannot read|There is no|Invalid arguments|"\w+" )/.test(result)) {
    return `I tried to fetch \`${asked}\` and came back with empty paws: ${result}`;
  }
  if (result.trim() === "") return `\`${asked}\` is there, but it is empty. I checked it from both ends.`;
  const beginning = result.slice(0, 800).trim().split("\n").slice(0, 14).join("\n");
  const fence = "`".repeat(Math.max(3, longestBacktickRun(beginning) + 1)); // what the file holds cannot end the quotation
  const isWhole = beginning.length >= result.trim().length;
  const after = isWhole ? "That is all of it." : `It goes on; in all it has ${result.length} characters.`;
  const quotation = `${fence}text\n${beginning}\n${fence}`;
  return `I opened \`${asked}\`. It begins like this:\n\n${quotation}\n\n${after} With a real model I could also tell you what it means.`;
}

function greetByName(talk: Talk): string {
  return `Nice to meet you, ${findName(talk)}. I will remember that for as long as this conversation lasts.`;
}

function recallName(talk: Talk): string {
  const name = findName(talk);
  return name ? `You are ${name}. You told me so yourself.` : "You have not told me yet. What is your name?";
}

function recallMessage({ said }: Talk, match: RegExpExecArray): string {
  const before = said.slice(0, -1);
  const wanted = /first/i.test(match.input) ? before[0] : before.at(-1);
  return wanted === undefined ? "Nothing so far; that was your first message." : `You said: “${wanted.slice(0, 200)}”`;
}

function count(end: number): string {
  const last = Math.min(end, 200);
  const numbers = Array.from({ length: last }, (_, index) => index + 1).join(" ");
  return end > last ? `${numbers} … and there I need a nap.` : `${numbers}`;
}

function listSkills({ skillIds }: Talk): string {
  if (skillIds.length === 0)
    return "I have no skills to load here. They live in `skills/<id>/SKILL.md` of the workspace.";
  const list = skillIds.slice(0, 20).map((id) => `- \`${id}\``);
  return `These are in my drawer:\n\n${list.join("\n")}\n\nName one and I will open it.`;
}

function help({ canRead, skillIds }: Talk): string {
  const lines = [
    ...(canRead ? ["read a file of the workspace: *read README.md*"] : []),
    ...(skillIds.length > 0 ? [`open a skill: *${skillIds[0]}*`] : []),
    "remember your name: *my name is Ada*",
    "tell the time, tell a story, or count to 50, one word after the other",
    "explain how to add an API key, after which I become much cleverer",
  ];
  return `While I am offline I follow a script. I can:\n\n${lines.map((line) => `- ${line}`).join("\n")}`;
}

function tellTime(): string {
  const now = new Date();
  const date = now.toLocaleDateString("en-GB", { weekday: "long", day: "numeric", month: "long", year: "numeric" });
  const time = now.toLocaleTimeString("en-GB", { hour: "2-digit", minute: "2-digit", timeZoneName: "short" });
  return `The clock on the server's wall says ${time}, ${date}. By my own clock it is nearly dinner.`;
}

function greet(talk: Talk): string {
  const name = findName(talk);
  const hello = name ? `Hello, ${name}!` : "Hello!";
  const again = talk.said.length > 1 ? "There you are again." : "I am a cat with a day job: I answer messages.";
  return `${hello} ${again} Right now I work from a script, without a language model; say *help* to see my tricks.`;
}

/** The name that was told last. */
function findName({ said }: Talk): string | undefined {
  return namePattern.exec(said.findLast((text) => namePattern.test(text)) ?? "")?.[1];
}

/** One of the lines, chosen by the text and how far the conversation is, so that it varies and yet is always the same. */
function pickFrom(lines: readonly string[]): (talk: Talk) => string {
  return (talk) => {
    let hash = talk.said.length;
    for (const char of newest(talk)) hash = (hash * 31 + (char.codePointAt(0) ?? 0)) >>> 0;
    return lines[hash % lines.length] ?? "";
  };
}

function newest({ said }: Talk): string {
  return said.at(-1) ?? "";
}

import { expect, test } from "vitest";
import { createCommandCompleter } from "../src/cli/command-completer.ts";

test("[CMD1] Tab completes a command at a terminal, and nothing else", () => {
  const complete = createCommandCompleter([
    { name: "help", aliases: ["?"], arguments: "", description: "" },
    { name: "session", aliases: [], arguments: "", description: "" },
    { name: "skills", aliases: [], arguments: "[id]", description: "" },
  ]);
  expect(complete("/s")).toEqual([["/session", "/skills "], "/s"]);
  expect(complete("/SK")).toEqual([["/skills "], "/SK"]);
  expect(complete("/")).toEqual([["/help", "/?", "/session", "/skills "], "/"]);
  expect(complete("/x")).toEqual([[], "/x"]);
  expect(complete("/skills brew")).toEqual([[], "/skills brew"]);
  expect(complete("help")).toEqual([[], "help"]);
});

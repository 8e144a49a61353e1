import { once } from "node:events";
import { describe, expect, test } from "vitest";
import { toToolResult } from "../../src/agent/mcp/mcp-result.ts";
import { McpServers } from "../../src/agent/mcp/mcp-servers.ts";
import { mcpToolName } from "../../src/agent/mcp/mcp-tool-name.ts";
import { McpConfig } from "../../src/workspace/mcp-config.ts";
import { oddServer } from "../support/mcp-servers.ts";
import { tempDir } from "../support/temp-dir.ts";

describe("the name of a tool", () => {
  test("[MCP1] is mcp__<server>__<tool> where a provider takes that", () => {
    expect(mcpToolName("files", "read_text-file")).toBe("mcp__files__read_text-file");
    expect(mcpToolName("a", "b".repeat(56))).toHaveLength(64);
  });

  test.each([["a.b"], ["a/b"], ["ä"], ["a b"], ["x".repeat(200)], [""], ["__proto__"], ["a\nb"]])(
    "[MCP1] %j is mended, always in the same way, and unlike any other",
    (name) => {
      const mended = mcpToolName("s".repeat(32), name);
      expect(mended).toMatch(/^[a-zA-Z0-9_-]{1,64}$/);
      expect(mended).toBe(mcpToolName("s".repeat(32), name));
    },
  );

  test("[MCP1] names that would be mended to the same one stay apart", () => {
    const names = ["a.b", "a/b", "a b", "a_b", `${"x".repeat(80)}1`, `${"x".repeat(80)}2`];
    expect(new Set(names.map((name) => mcpToolName("s", name))).size).toBe(names.length);
  });
});

test("[MCP4] a tool only reads when the server says so and is trusted, and asks unless the configuration allows it", async () => {
  using dir = tempDir();
  const changed = new EventTarget();
  const report = (): void => undefined;
  const onChange = (): void => void changed.dispatchEvent(new Event("change"));
  const servers = new McpServers({ workspaceDir: dir.path, env: process.env, onChange, report, log: report });
  const { command, args } = oddServer("", "", "look", "work", "work");
  const use = (config: object) => servers.use(McpConfig.parse({ servers: { odd: { command, args, ...config } } }));
  const facts = () => servers.toolsFor("pickle").map(({ name, isReadOnly, approval }) => [name, isReadOnly, approval]);
  use({});
  await once(changed, "change");
  expect(facts()).toEqual([
    ["mcp__odd__look", false, "ask"],
    ["mcp__odd__work", false, "ask"],
  ]);
  use({ trust_read_only: true, tools: { work: "allow" } });
  expect(facts()).toEqual([
    ["mcp__odd__look", true, "ask"],
    ["mcp__odd__work", false, "allow"],
  ]);
  await servers.close();
});

test("[MCP3] a result is its texts, with a note of what cannot be shown, else its structured content", () => {
  const image = { type: "image", mimeType: "image/png", data: "AAAA" } as const;
  const link = { type: "resource_link", uri: "file:///a", name: "a" } as const;
  const inline = { type: "resource", resource: { uri: "mem:b", text: "inside" } } as const;
  const blob = { type: "resource", resource: { uri: "mem:c", blob: "AAAA" } } as const;
  expect(toToolResult({ content: [{ type: "text", text: "one" }, image, link, inline, blob] })).toEqual({
    content:
      "one\n[image, image/png, 3 bytes: not shown]\n[resource file:///a: a]\n[resource mem:b]\ninside\n[resource mem:c, 3 bytes: not shown]",
    is_error: false,
  });
  expect(toToolResult({ content: [], structuredContent: { a: 1 }, isError: true })).toEqual({
    content: `{"a":1}`,
    is_error: true,
  });
  expect(toToolResult({ content: [] })).toEqual({ content: "(no output)", is_error: false });
});

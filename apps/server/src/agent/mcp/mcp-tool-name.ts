import { createHash } from "node:crypto";

const LONGEST = 64; // what OpenAI takes
const HASH_CHARS = 8;

/**
 * What the model calls a server's tool by: `mcp__<server>__<tool>`. Where that is too long, or holds what no provider
 * takes, it is mended and ends with a hash of the tool's own name, so that it is the same at every start.
 */
export function mcpToolName(serverId: string, toolName: string): string {
  const plain = `mcp__${serverId}__${toolName}`;
  if (/^[a-zA-Z0-9_-]+$/.test(plain) && plain.length <= LONGEST) return plain;
  const hash = createHash("sha256").update(toolName).digest("hex").slice(0, HASH_CHARS);
  const mended = plain.replace(/[^a-zA-Z0-9_-]/g, "_");
  return `${mended.slice(0, LONGEST - HASH_CHARS - 1)}_${hash}`;
}

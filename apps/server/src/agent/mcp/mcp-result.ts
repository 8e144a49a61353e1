import type { CallToolResult, ContentBlock } from "@modelcontextprotocol/client";
import type { ToolResult } from "../tools/tool.ts";

/** Text as it is; of anything else a note that it was there. */
export function toToolResult({ content, structuredContent, isError }: CallToolResult): ToolResult {
  const text = content.map(describePart).join("\n");
  const structured = structuredContent === undefined ? "" : JSON.stringify(structuredContent);
  return { content: text || structured || "(no output)", is_error: isError === true };
}

function describePart(part: ContentBlock): string {
  switch (part.type) {
    case "text":
      return part.text;
    case "image":
    case "audio":
      return `[${part.type}, ${part.mimeType}, ${Buffer.byteLength(part.data, "base64")} bytes: not shown]`;
    case "resource_link":
      return `[resource ${part.uri}: ${part.title ?? part.name}]`;
    case "resource":
      return "text" in part.resource
        ? `[resource ${part.resource.uri}]\n${part.resource.text}`
        : `[resource ${part.resource.uri}, ${Buffer.byteLength(part.resource.blob, "base64")} bytes: not shown]`;
  }
}

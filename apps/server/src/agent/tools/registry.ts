import { formatIssues } from "@my-bot/protocol";
import * as z from "zod";
import type { ModelTool, ModelToolCall } from "../language-model.ts";
import type { Tool, ToolResult } from "./tool.ts";

const MAX_RESULT_CHARS = 100_000;
const DEFAULT_TIMEOUT_MS = 30_000;

/** The tools of one agent. Whatever the model gets wrong comes back to it as text (SPEC TOOL2). */
export interface ToolRegistry {
  /** What the model is offered. */
  tools(): readonly ModelTool[];
  /** May this tool be called again after a crash? False for unknown ones. */
  isReadOnly(name: string): boolean;
  /** Never rejects: unknown tools, bad arguments, failures and timeouts are results with `is_error`. */
  run(call: ModelToolCall, signal: AbortSignal): Promise<ToolResult>;
}

export interface ToolRegistryOptions {
  /** How long a call may take, of a tool that does not say; 30 s unless told. */
  readonly timeoutMs?: number | undefined;
  /** What a tool throws, though it should not: for the log. */
  readonly onError?: ((error: unknown) => void) | undefined;
}

/** Throws when two tools have the same name. */
export function createToolRegistry(tools: readonly Tool[], options: ToolRegistryOptions = {}): ToolRegistry {
  const { timeoutMs = DEFAULT_TIMEOUT_MS, onError } = options;
  const byName = new Map(tools.map((tool) => [tool.name, tool]));
  if (byName.size < tools.length) throw new Error(`Two tools have the same name: ${tools.map(({ name }) => name)}`);
  const modelTools = tools.map(toModelTool);
  return {
    tools: () => modelTools,
    isReadOnly: (name) => byName.get(name)?.isReadOnly ?? false,
    run: async (call, signal) => {
      const tool = byName.get(call.name);
      if (!tool)
        return failure(
          `There is no tool "${call.name.slice(0, 100)}". Tools: ${[...byName.keys()].join(", ") || "none"}`,
        );
      const args = parseArguments(call.arguments);
      if (args === undefined)
        return failure(`The arguments of "${tool.name}" are not valid JSON. Send one JSON object.`);
      const input = tool.input.safeParse(args);
      if (!input.success) return failure(`Invalid arguments for "${tool.name}": ${formatIssues(input.error)}`);
      return runTool(tool, input.data, { timeoutMs: tool.timeoutMs ?? timeoutMs, onError, signal });
    },
  };
}

function toModelTool({ name, description, input }: Tool): ModelTool {
  const { $schema: _, ...parameters } = z.toJSONSchema(input);
  return { name, description, parameters };
}

/** Models write nothing where a tool needs no arguments. */
function parseArguments(text: string): unknown {
  if (text.trim() === "") return {};
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

interface RunToolOptions extends ToolRegistryOptions {
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
}

async function runTool(
  tool: Tool,
  input: z.output<Tool["input"]>,
  { timeoutMs, onError, signal }: RunToolOptions,
): Promise<ToolResult> {
  const timeout = AbortSignal.timeout(timeoutMs);
  const stop = AbortSignal.any([signal, timeout]);
  const { promise: stopped, reject } = Promise.withResolvers<never>();
  const onStop = (): void => reject(stop.reason);
  stop.addEventListener("abort", onStop, { once: true });
  try {
    stop.throwIfAborted();
    return cap(await Promise.race([tool.run(input, stop), stopped]));
  } catch (cause) {
    if (signal.aborted) return failure(`"${tool.name}" was stopped`);
    if (timeout.aborted) return failure(`"${tool.name}" did not finish within ${timeoutMs / 1000} s and was stopped`);
    onError?.(cause);
    // the text of an unexpected error may name paths or secrets of the machine
    return failure(`"${tool.name}" failed unexpectedly`);
  } finally {
    stop.removeEventListener("abort", onStop);
  }
}

function cap(result: ToolResult): ToolResult {
  const { content } = result;
  if (content.length <= MAX_RESULT_CHARS) return result;
  const note = `\n[cut: the first ${MAX_RESULT_CHARS} of ${content.length} characters]`;
  return { ...result, content: content.slice(0, MAX_RESULT_CHARS) + note };
}

function failure(content: string): ToolResult {
  return { content, is_error: true };
}

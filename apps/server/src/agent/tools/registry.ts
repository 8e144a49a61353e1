import { formatIssues } from "@my-bot/protocol";
import * as z from "zod";
import type { ModelTool } from "../language-model.ts";
import type { CallContext, Tool, ToolResult } from "./tool.ts";

const MAX_RESULT_CHARS = 100_000;
const DEFAULT_TIMEOUT_MS = 30_000;
const STOP_LIMIT_MS = 2000; // how long a stopped tool may take to end; one that does not obey is left alone

/** The tools of one agent. Whatever the model gets wrong comes back to it as text (SPEC TOOL2). */
export interface ToolRegistry {
  /** What the model is offered. */
  tools(): readonly ModelTool[];
  /** May a call be made again after a crash: it changes nothing, or goes on where it was? False for unknown tools. */
  isRepeatable(name: string): boolean;
  /** Never rejects: unknown tools, bad arguments, failures and timeouts are results with `is_error`. */
  run(context: CallContext, signal: AbortSignal): Promise<ToolResult>;
}

export interface ToolRegistryOptions {
  /** Unexpected failures of a tool, for the log; the model gets a sentence without details. */
  readonly onError: (error: unknown) => void;
}

/** Throws when two tools have the same name. */
export function createToolRegistry(tools: readonly Tool[], { onError }: ToolRegistryOptions): ToolRegistry {
  const byName = new Map(tools.map((tool) => [tool.name, tool]));
  if (byName.size < tools.length) throw new Error(`Two tools have the same name: ${tools.map(({ name }) => name)}`);
  const modelTools = tools.map(toModelTool);
  return {
    tools: () => modelTools,
    isRepeatable: (name) => isRepeatable(byName.get(name)),
    run: async (context, signal) => {
      const { call } = context;
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
      // whoever would have to be asked cannot be yet
      if (tool.alwaysAsks?.(input.data)) return failure(`Not done: nobody has allowed this call of "${tool.name}".`);
      return runTool(tool, input.data, { context, onError, signal });
    },
  };
}

function isRepeatable(tool: Tool | undefined): boolean {
  return tool !== undefined && (tool.isReadOnly || tool.isResumable === true);
}

function toModelTool({ name, description, input, parameters: given }: Tool): ModelTool {
  const { $schema: _, ...parameters } = given ?? z.toJSONSchema(input);
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

async function runTool(
  tool: Tool,
  input: z.output<Tool["input"]>,
  { context, onError, signal }: ToolRegistryOptions & { context: CallContext; signal: AbortSignal },
): Promise<ToolResult> {
  const timeoutMs = tool.timeoutMs ?? DEFAULT_TIMEOUT_MS;
  const timeout = AbortSignal.timeout(timeoutMs);
  const stop = AbortSignal.any([signal, timeout]);
  using ending = afterStop(stop);
  try {
    stop.throwIfAborted();
    return cap(await Promise.race([tool.run(input, stop, context), ending.overdue]));
  } catch (cause) {
    if (!stop.aborted) onError(cause);
    if (signal.aborted) return failure(`"${tool.name}" was stopped`);
    if (timeout.aborted) return failure(`"${tool.name}" did not finish within ${timeoutMs / 1000} s and was stopped`);
    // the text of an unexpected error may name paths or secrets of the machine
    return failure(`"${tool.name}" failed unexpectedly`);
  }
}

/** `overdue` rejects when a tool should long have ended. */
function afterStop(stop: AbortSignal): Disposable & { readonly overdue: Promise<never> } {
  const { promise: overdue, reject } = Promise.withResolvers<never>();
  let timer: NodeJS.Timeout | undefined;
  const onStop = (): void => {
    timer = setTimeout(() => reject(stop.reason), STOP_LIMIT_MS);
  };
  stop.addEventListener("abort", onStop, { once: true });
  return {
    overdue,
    [Symbol.dispose]: () => {
      clearTimeout(timer);
      stop.removeEventListener("abort", onStop);
    },
  };
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

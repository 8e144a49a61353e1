import { formatIssues, type ToolCallEvent } from "@my-bot/protocol";
import * as z from "zod";
import type { ToolsConfig } from "../../workspace/tools-config.ts";
import type { ModelTool } from "../language-model.ts";
import { ServerStopping } from "../server-stopping.ts";
import { previewCall } from "./preview-call.ts";
import type { AllowedCall, CallContext, Tool, ToolResult } from "./tool.ts";
import { approvalOf, isOffered } from "./tool-approval.ts";

const MAX_RESULT_CHARS = 100_000;
const DEFAULT_TIMEOUT_MS = 30_000;
const STOP_LIMIT_MS = 2000; // how long a stopped tool may take to end; one that does not obey is left alone

/** The tools of one agent. Whatever the model gets wrong comes back to it as text (SPEC TOOL2). */
export interface ToolRegistry {
  /** What the model is offered. */
  tools(): readonly ModelTool[];
  /** May a call be made again after a crash: it changes nothing, or goes on where it was? False for unknown tools. */
  isRepeatable(name: string): boolean;
  /** Whether someone has to allow this call first. What cannot be called at all needs no one: `run` tells why. */
  review(call: Pick<ToolCallEvent, "name" | "arguments">): Promise<Review>;
  /**
   * What is not allowed, unknown tools, bad arguments, failures and timeouts are results with `is_error`. Rejects with
   * ServerStopping only: the call goes on after the next start.
   */
  run(context: CallContext, signal: AbortSignal): Promise<ToolResult>;
}

/** `isEachTime`: what was allowed for the session does not cover it. */
export type Review =
  | { readonly isAsked: false }
  | { readonly isAsked: true; readonly preview: string | null; readonly isEachTime: boolean };

export interface ToolRegistryOptions {
  /** What the configuration says of tools; absent: each as it says of itself. */
  readonly permissions?: ToolsConfig | undefined;
  /** Unexpected failures of a tool, for the log; the model gets a sentence without details. */
  readonly onError: (error: unknown) => void;
}

/** Throws when two tools have the same name. */
export function createToolRegistry(tools: readonly Tool[], options: ToolRegistryOptions): ToolRegistry {
  const offered = tools.filter((tool) => isOffered(tool, options.permissions));
  const byName = new Map(offered.map((tool) => [tool.name, tool]));
  if (byName.size < offered.length) throw new Error(`Two tools have the same name: ${tools.map(({ name }) => name)}`);
  const modelTools = offered.map(toModelTool);
  return {
    tools: () => modelTools,
    isRepeatable: (name) => isRepeatable(byName.get(name)),
    review: async (call) => {
      const parsed = parseCall(byName, call);
      if ("problem" in parsed) return { isAsked: false };
      const { tool, input } = parsed;
      if (approvalOf(tool, input, options.permissions) !== "ask") return { isAsked: false };
      const isEachTime = tool.alwaysAsks?.(input) ?? false;
      return { isAsked: true, preview: await previewCall(tool, input, options), isEachTime };
    },
    run: async (context, signal) => {
      const parsed = parseCall(byName, context.call);
      if ("problem" in parsed) return failure(parsed.problem);
      const { tool, input } = parsed;
      const refusal = await refuse(tool, input, { ...options, allowed: context.allowed });
      return refusal ? failure(refusal) : runTool(tool, input, { ...options, context, signal });
    },
  };
}

type ParsedCall = { readonly problem: string } | { readonly tool: Tool; readonly input: z.output<Tool["input"]> };

function parseCall(byName: ReadonlyMap<string, Tool>, call: Pick<ToolCallEvent, "name" | "arguments">): ParsedCall {
  const tool = byName.get(call.name);
  if (!tool) {
    const names = [...byName.keys()].join(", ") || "none";
    return { problem: `There is no tool "${call.name.slice(0, 100)}". Tools: ${names}` };
  }
  const args = parseArguments(call.arguments);
  if (args === undefined)
    return { problem: `The arguments of "${tool.name}" are not valid JSON. Send one JSON object.` };
  const input = tool.input.safeParse(args);
  if (input.success) return { tool, input: input.data };
  return { problem: `Invalid arguments for "${tool.name}": ${formatIssues(input.error)}` };
}

/** Why a call is not made, for the model; undefined when it may be. */
async function refuse(
  tool: Tool,
  input: z.output<Tool["input"]>,
  { allowed, ...options }: ToolRegistryOptions & { readonly allowed: AllowedCall | undefined },
): Promise<string | undefined> {
  switch (approvalOf(tool, input, options.permissions)) {
    case "allow":
      return undefined;
    case "deny":
      return `Not done: the configuration denies this call of "${tool.name}".`;
    case "ask":
      if (allowed === undefined) return `Not done: nobody has allowed this call of "${tool.name}".`;
      return allowed.preview === (await previewCall(tool, input, options))
        ? undefined
        : "Not done: what was allowed has changed since, such as a file that it is about. Look again, then call again.";
  }
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
  const timeout = AbortSignal.timeout(Math.ceil(timeoutMs));
  const stop = AbortSignal.any([signal, timeout]);
  using ending = afterStop(stop);
  try {
    stop.throwIfAborted();
    return cap(await Promise.race([tool.run(input, stop, context), ending.overdue]));
  } catch (cause) {
    if (cause instanceof ServerStopping) throw cause;
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

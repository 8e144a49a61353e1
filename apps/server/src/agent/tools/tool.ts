import type { InboundEvent, ToolCallEvent } from "@my-bot/protocol";
import type * as z from "zod";
import type { ModelTool } from "../language-model.ts";

export interface ToolResult {
  readonly content: string;
  readonly is_error: boolean;
}

/** What was allowed besides the arguments: what is there now has to be the same. */
export interface AllowedCall {
  readonly preview: string | null;
}

/** Which call it is, and of whom. */
export interface CallContext {
  readonly call: ToolCallEvent;
  /** The message that is being answered. */
  readonly inbound: InboundEvent;
  /** The full source that its session belongs to. */
  readonly sessionSource: string;
  /** Someone allowed this call of a tool that asks. */
  readonly allowed?: AllowedCall | undefined;
  /** Shows what the call prints, to whoever watches it run; nothing of it is kept. */
  readonly onOutput?: ((text: string) => void) | undefined;
}

/** Something the model may call. Expected failures are returned as text for the model, never thrown. */
export interface Tool<Input extends z.ZodObject = z.ZodObject> {
  readonly name: string;
  readonly description: string;
  readonly input: Input;
  /** The JSON Schema that the model is shown, where `input` does not say it all; that of `input` unless given. */
  readonly parameters?: ModelTool["parameters"] | undefined;
  /** May be called again after a crash because it changes nothing. */
  readonly isReadOnly: boolean;
  /** A call that was cut short may be made again because it then goes on where it was: what it does is keyed by the call. */
  readonly isResumable?: boolean | undefined;
  /** What holds unless the configuration says otherwise. */
  readonly approval: "allow" | "ask";
  /** In its place, for a call with these arguments. */
  approvalFor?(input: z.output<Input>): "allow" | "ask";
  /** A call that asks even where the configuration allows the tool, such as one that changes what agents are told. */
  alwaysAsks?(input: z.output<Input>): boolean;
  /** How long one call may take; 30 s unless told. */
  readonly timeoutMs?: number | undefined;
  /** What whoever is asked sees besides the arguments, such as a diff; undefined: nothing more. */
  preview?(input: z.output<Input>): Promise<string | undefined>;
  /** Ends soon after `signal` aborts; what it returns then, such as the output so far, is still used. */
  run(input: z.output<Input>, signal: AbortSignal, context: CallContext): Promise<ToolResult>;
}

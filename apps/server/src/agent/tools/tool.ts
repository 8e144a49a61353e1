import type * as z from "zod";

export interface ToolResult {
  readonly content: string;
  readonly is_error: boolean;
}

/** Something the model may call. Expected failures are returned as text for the model, never thrown. */
export interface Tool<Input extends z.ZodObject = z.ZodObject> {
  readonly name: string;
  readonly description: string;
  readonly input: Input;
  /** May be called again after a crash because it changes nothing. */
  readonly isReadOnly: boolean;
  /** How long one call may take; 30 s unless told. */
  readonly timeoutMs?: number | undefined;
  /** Ends soon after `signal` aborts; what it returns then, such as the output so far, is still used. */
  run(input: z.output<Input>, signal: AbortSignal): Promise<ToolResult>;
}

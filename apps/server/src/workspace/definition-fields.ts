import * as z from "zod";
import type { FrontMatter } from "./front-matter.ts";
import { DefinitionError } from "./load-definitions.ts";

/** Names are shown to people and to the model, and may be typed as a command's argument. */
export const definitionName = z
  .string()
  .regex(
    /^[\p{L}\p{N}][^/\\\p{C}]{0,63}$/u,
    "must start with a letter or digit, without slashes, at most 64 characters",
  );

/** The front matter in its shape; unknown keys are ignored. Throws DefinitionError for the first fault. */
export function parseFields<Shape extends z.ZodObject>(
  shape: Shape,
  matter: FrontMatter,
  file: string,
): z.output<Shape> {
  const parsed = shape.safeParse(matter.value);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  const path = issue?.path ?? [];
  const isMissing = path.length > 0 && !Object.hasOwn(matter.value, path[0] ?? "");
  const reason = isMissing ? "is missing" : `${issue?.message}`;
  throw new DefinitionError({ file, line: matter.lineOf(path), key: path.map(String).join(".") }, reason);
}

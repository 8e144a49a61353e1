import * as z from "zod";

/** A path that does not lead out of the workspace by its text alone. */
export const RelativePath = z
  .string()
  .min(1)
  .refine(
    (path) => !path.startsWith("/") && !path.split(/[\\/]/).includes(".."),
    "must be a path inside the workspace",
  );

/** The outcome of one check: a sentence that names what was looked at, with the remedy when something is to be done. */
export interface Finding {
  readonly level: "ok" | "warning" | "problem";
  readonly check: string;
  readonly message: string;
}

export function ok(check: string, message: string): Finding {
  return { level: "ok", check, message };
}

export function warning(check: string, message: string): Finding {
  return { level: "warning", check, message };
}

export function problem(check: string, message: string): Finding {
  return { level: "problem", check, message };
}

import { runDoctor } from "../doctor/run-doctor.ts";
import { requireWorkspace } from "./choose-workspace.ts";
import { ExitCode, ExitError } from "./exit-error.ts";
import { webDir } from "./package-paths.ts";

export interface DoctorCommandOptions {
  readonly workspace?: string;
}

/** One line for each check. */
export async function printDoctor(options: DoctorCommandOptions): Promise<void> {
  const findings = runDoctor({
    workspaceDir: requireWorkspace(options.workspace),
    env: process.env,
    nodeVersion: process.versions.node,
    webDir: webDir(),
  });
  let problems = 0;
  for await (const { level, check, message } of findings) {
    console.log(`${level.padEnd(7)}  ${check}: ${message}`);
    if (level === "problem") problems += 1;
  }
  if (problems > 0) throw new ExitError(ExitCode.failure, problems === 1 ? "1 problem" : `${problems} problems`);
}

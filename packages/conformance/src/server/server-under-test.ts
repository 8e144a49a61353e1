import { configFor } from "./config-for.ts";
import { prepareServerCommand, type ServerCommand } from "./server-command.ts";
import { createWorkspace } from "./workspace.ts";

export interface ServerUnderTest extends AsyncDisposable {
  readonly command: ServerCommand;
  readonly port: number;
  /** Of its workspace. */
  readonly dir: string;
  /** Throws when it does not get ready. */
  start(): Promise<void>;
}

export interface UnderTestOptions {
  readonly command: string;
  /** `llm.api_base`. */
  readonly modelUrl: string;
  /** `api`, over limits so high that nothing is refused. */
  readonly api?: object;
}

/** A started server with a workspace of its own; both are gone at the end of the scope. */
export async function startServerUnderTest(options: UnderTestOptions): Promise<ServerUnderTest> {
  const workspace = createWorkspace({ config: configFor(options.modelUrl, { api: options.api ?? {} }) });
  const command = await prepareServerCommand({ command: options.command, workspaceDir: workspace.dir });
  const dispose = async (): Promise<void> => {
    await command.kill();
    workspace[Symbol.dispose]();
  };
  await command.start().catch(async (cause) => {
    await dispose();
    throw cause;
  });
  return { command, port: command.port, dir: workspace.dir, start: command.start, [Symbol.asyncDispose]: dispose };
}

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

const LIMITS = { messages_per_second: 1_000_000, queued_messages: 1_000_000 };

/** The configuration of a server whose model is at this address. */
export function configFor({ modelUrl, api = {} }: Omit<UnderTestOptions, "command">): object {
  const llm = { provider: "openai", model: "scripted", api_key: "sk-test-1234567890", api_base: modelUrl };
  return { llm, api: { limits: LIMITS, ...api } };
}

/** A started server with a workspace of its own; both are gone at the end of the scope. */
export async function startServerUnderTest(options: UnderTestOptions): Promise<ServerUnderTest> {
  const workspace = createWorkspace({ config: configFor(options) });
  const command = await prepareServerCommand({ command: options.command, workspaceDir: workspace.dir });
  const start = async (): Promise<void> => {
    command.launch();
    if (!(await command.ready())) throw new Error(`The server does not start: ${command.stderr.trim()}`);
  };
  const dispose = async (): Promise<void> => {
    await command.kill();
    workspace[Symbol.dispose]();
  };
  await start().catch(async (cause) => {
    await dispose();
    throw cause;
  });
  return { command, port: command.port, dir: workspace.dir, start, [Symbol.asyncDispose]: dispose };
}

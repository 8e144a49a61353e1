// A program: makes one call of the tool and prints its answer as JSON; never as root, whom the kernel's limits do not bind.
import { createBashTool } from "../../src/agent/tools/bash.ts";
import { Config } from "../../src/workspace/config.ts";

const NOBODY = 65_534;
if (process.getuid?.() === 0) {
  process.setgroups?.([]);
  process.setgid?.(NOBODY);
  process.setuid?.(NOBODY);
}

const [workspaceDir = "", config = "{}", command = ""] = process.argv.slice(2);
const tool = createBashTool({
  workspaceDir,
  env: { PATH: process.env.PATH },
  config: Config.parse({ tools: { bash: JSON.parse(config) } }).tools.bash,
});
process.stdout.write(JSON.stringify(await tool.run({ command }, new AbortController().signal)));

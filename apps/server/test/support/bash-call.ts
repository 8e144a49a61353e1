// A program: makes one call of the tool, prints its answer as JSON. For a user of its own, as root has no limits.
import { createBashTool } from "../../src/agent/tools/bash.ts";
import { Config } from "../../src/workspace/config.ts";

const [workspaceDir = "", config = "{}", command = ""] = process.argv.slice(2);
const tool = createBashTool({
  workspaceDir,
  env: { PATH: process.env.PATH },
  config: Config.parse({ tools: { bash: JSON.parse(config) } }).tools.bash,
});
process.stdout.write(JSON.stringify(await tool.run({ command }, new AbortController().signal)));

import type { AgentDefinition } from "./agent-definition.ts";
import type { Config } from "./config.ts";
import type { Environment } from "./load-config.ts";

export interface SecretSources {
  readonly config: Config;
  readonly agents: Iterable<AgentDefinition>;
  readonly env: Environment;
  /** Values of the variables that the configuration names. */
  readonly variables: readonly string[];
}

const SECRET_NAME = /key|token|secret|pass|credential|auth/i;

/** What nobody may be shown, as far as the configuration tells. */
export function knownSecrets({ config, agents, env, variables }: SecretSources): string[] {
  const { llm, api, websearch, mcp, tools } = config;
  const servers = Object.values(mcp.servers);
  const passedOn = [...servers.flatMap((server) => server.env), ...tools.bash.env];
  const values: (string | undefined)[] = [
    llm.api_key,
    api.token,
    websearch?.api_key,
    ...[...agents].map((agent) => agent.llm.api_key),
    ...servers.flatMap(({ headers }) => Object.values(headers).flatMap((value) => [value, ...value.split(/\s+/)])),
    ...passedOn.filter((name) => SECRET_NAME.test(name)).map((name) => env[name]),
    ...variables,
  ];
  return [...new Set(values.filter((value) => value !== undefined))];
}

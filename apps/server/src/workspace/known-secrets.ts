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

/** Of keys in the configuration, wherever they stand. */
const SECRET_KEY = /^(api_key|token)$/;
/** Of variables that are passed on. */
const SECRET_NAME = /key|token|secret|pass|credential|auth/i;

/** What nobody may be shown, as far as the configuration tells. */
export function knownSecrets({ config, agents, env, variables }: SecretSources): string[] {
  const servers = Object.values(config.mcp.servers);
  const headers = servers.flatMap((server) => Object.values(server.headers));
  const passedOn = [...servers.flatMap((server) => server.env), ...config.tools.bash.env];
  const values = [
    ...secretsIn(config),
    ...[...agents].flatMap(({ llm }) => secretsIn(llm)),
    ...headers.flatMap((value) => [value, ...value.split(/\s+/)]),
    ...passedOn.filter((name) => SECRET_NAME.test(name)).map((name) => env[name] ?? ""),
    ...variables,
  ];
  return [...new Set(values)];
}

function secretsIn(value: unknown): string[] {
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([key, item]) =>
    typeof item === "string" && SECRET_KEY.test(key) ? [item] : secretsIn(item),
  );
}

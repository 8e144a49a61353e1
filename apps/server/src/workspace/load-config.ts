import type * as z from "zod";
import { checkConfig, isPlaceholder } from "./check-config.ts";
import { Config } from "./config.ts";
import { ConfigError } from "./config-error.ts";
import { type ConfigFile, readConfigFile } from "./config-file.ts";
import { expandVariables } from "./expand-variables.ts";
import { isMapping, type Mapping, mergeDeep } from "./merge.ts";

/** Variables that `${NAME}` in the configuration may name. */
export type Environment = Readonly<Record<string, string | undefined>>;

export interface LoadConfigOptions {
  readonly env: Environment;
  /** Its absence is a fault, and not the offline model; false unless told. */
  readonly needsUserConfig?: boolean | undefined;
}

export interface LoadedConfig {
  readonly config: Config;
  readonly hasUserConfig: boolean;
  /** No provider is configured: the built-in model answers. */
  readonly isOffline: boolean;
  /** Values of the environment that it holds. */
  readonly variables: readonly string[];
  /** Makes an error that points at the file and line where a key was last set. */
  readonly fault: MakeFault;
  /** One line each, for the log. */
  readonly warnings: readonly string[];
}

export type MakeFault = (path: readonly PropertyKey[], reason: string) => ConfigError;

const OFFLINE_LLM = { provider: "offline", model: "offline" };

/**
 * Reads `config.user.yaml` (without one, `config.example.yaml` with the offline model) and lays `config.runtime.yaml`
 * over it. Throws ConfigError on the first fault.
 */
export async function loadConfig(workspaceDir: string, options: LoadConfigOptions): Promise<LoadedConfig> {
  const user = await readConfigFile(workspaceDir, "config.user.yaml");
  if (!user && options.needsUserConfig) {
    throw new ConfigError(
      { file: "config.user.yaml" },
      "is gone; put it back, or restart to go on with the offline model",
    );
  }
  const base = user ?? (await readConfigFile(workspaceDir, "config.example.yaml"));
  if (!base) {
    throw new ConfigError(
      { file: "config.user.yaml" },
      `not found in ${workspaceDir}, and no config.example.yaml either; is this a my-bot workspace?`,
    );
  }
  const runtime = await readConfigFile(workspaceDir, "config.runtime.yaml");
  const files = runtime ? [runtime, base] : [base]; // the file that has the last word comes first
  const merged = mergeDeep(user ? base.value : { ...base.value, llm: OFFLINE_LLM }, runtime?.value ?? {});

  const fault = (path: readonly PropertyKey[], reason: string): ConfigError => locate(files, path, reason);
  const variables: string[] = [];
  const parsed = Config.safeParse(expandVariables(merged, options.env, { fault, used: variables }));
  if (!parsed.success) throw toConfigError(parsed.error, fault);
  checkConfig(parsed.data, fault);
  return {
    config: parsed.data,
    hasUserConfig: user !== undefined,
    isOffline: parsed.data.llm.provider === "offline",
    variables,
    fault,
    warnings: [...files.flatMap((file) => warnAboutMode(file)), ...warnAboutBash(parsed.data, fault)],
  };
}

function locate(files: readonly ConfigFile[], path: readonly PropertyKey[], reason: string): ConfigError {
  const has = (file: ConfigFile): boolean => valueAt(file.value, path) !== undefined;
  const holder = files.find(has) ?? files.find((file) => file.lineOf(path) !== undefined) ?? files.at(-1);
  const key = path.map(String).join(".") || undefined;
  return new ConfigError({ file: holder?.file ?? "config.user.yaml", line: holder?.lineOf(path), key }, reason);
}

function valueAt(value: unknown, path: readonly PropertyKey[]): unknown {
  let current = value;
  for (const key of path) {
    const holder: object | undefined = typeof current === "object" && current !== null ? current : undefined;
    if (!holder || !Object.hasOwn(holder, key)) return undefined;
    current = Reflect.get(holder, key);
  }
  return current;
}

function toConfigError(error: z.core.$ZodError, fault: MakeFault): ConfigError {
  const [issue, ...others] = error.issues;
  const unknownKey = issue?.code === "unrecognized_keys" ? issue.keys[0] : undefined;
  const path = [...(issue?.path ?? []), ...(unknownKey === undefined ? [] : [unknownKey])];
  const reason = unknownKey === undefined ? issue?.message : "is not a known key";
  const more = others.length > 0 ? ` (and ${others.length} more)` : "";
  return fault(path, `${reason}; config.example.yaml shows every key and its values${more}`);
}

function warnAboutMode({ file, mode, value }: ConfigFile): string[] {
  if ((mode & 0o077) === 0 || process.platform === "win32" || !holdsSecret(value)) return [];
  return [`${file}: holds a secret and other users can read it (mode ${mode.toString(8)}); run: chmod 600 ${file}`];
}

function warnAboutBash({ tools }: Config, fault: MakeFault): string[] {
  if (tools.bash.approval !== "allow") return [];
  return [fault(["tools", "bash", "approval"], "the model may run any command as the user of this server").message];
}

function holdsSecret(value: Mapping): boolean {
  const secrets = [
    valueAt(value, ["llm", "api_key"]),
    valueAt(value, ["api", "token"]),
    ...fallbackKeysOf(value),
    ...headersOf(value),
  ];
  return secrets.some((secret) => typeof secret === "string" && !secret.includes("${") && !isPlaceholder(secret));
}

function fallbackKeysOf(value: Mapping): unknown[] {
  const fallbacks = valueAt(value, ["llm", "fallbacks"]);
  return Array.isArray(fallbacks) ? fallbacks.map((model) => (isMapping(model) ? model.api_key : undefined)) : [];
}

/** What MCP servers are to be shown: nearly always a key. */
function headersOf(value: Mapping): unknown[] {
  const servers = valueAt(value, ["mcp", "servers"]);
  if (!isMapping(servers)) return [];
  return Object.values(servers).flatMap((server) => {
    const headers = isMapping(server) ? server.headers : undefined;
    return isMapping(headers) ? Object.values(headers) : [];
  });
}

const PASSED_ON = ["PATH", "HOME", "LANG", "TERM"];
const DEFAULT_PATH = "/usr/local/bin:/usr/bin:/bin";

/** No keys and tokens: only what programs need to find their way, and what the configuration names. */
export function childEnvironment(
  env: Readonly<Record<string, string | undefined>>,
  more: readonly string[],
): Record<string, string> & { PATH: string } {
  const passed = [...PASSED_ON, ...more].flatMap((name) => {
    const value = env[name];
    return value === undefined ? [] : [[name, value]];
  });
  return { PATH: DEFAULT_PATH, ...Object.fromEntries(passed) };
}

import type { DatabaseSync } from "node:sqlite";

/**
 * Times every transaction of this connection from now on, from its beginning until it is synced. The function that it gives
 * hands over the times so far, in milliseconds.
 */
export function timeCommits(writer: DatabaseSync): () => readonly number[] {
  let times: number[] = [];
  const exec = writer.exec.bind(writer);
  let beganAt = 0;
  writer.exec = (sql) => {
    if (sql === "BEGIN IMMEDIATE") beganAt = performance.now();
    exec(sql);
    if (sql === "COMMIT") times.push(performance.now() - beganAt);
  };
  return () => {
    const taken = times;
    times = [];
    return taken;
  };
}

import { signalGroup } from "./call-processes.ts";

/** The groups of this moment: a server that ends, however it does so, takes them with it if it still can. */
const groups = new Set<number>();
process.once("exit", () => {
  for (const leader of groups) signalGroup(leader, "SIGKILL");
});

/** From now on the group is killed when this process ends; call what comes back once it is gone. */
export function bindGroup(leader: number): () => void {
  groups.add(leader);
  return () => groups.delete(leader);
}

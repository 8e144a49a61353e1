import { badFrames } from "./bad-frames.ts";
import type { BadInput } from "./bad-input-case.ts";
import { badMessages } from "./bad-messages.ts";
import { badQueries, badRequests, badUpgrades } from "./bad-requests.ts";

/** All of them, in a fixed order. */
export function badInputs(): BadInput[] {
  return [...badUpgrades(), ...badRequests(), ...badQueries(), ...badFrames(), ...badMessages()];
}

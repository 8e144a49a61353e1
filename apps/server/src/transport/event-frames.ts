import { type EventRecord, eventJson } from "@my-bot/protocol";
import { fullFrame, inheritedFrame } from "./raw-frame.ts";
import { SharedFrames } from "./shared-frames.ts";

/** The frames of every kind of subscriber, for one server. */
export interface EventFrames {
  readonly inherited: SharedFrames;
  readonly full: SharedFrames;
  readonly rpc: SharedFrames;
}

export function createEventFrames(): EventFrames {
  return {
    inherited: new SharedFrames(inheritedFrame),
    full: new SharedFrames(fullFrame),
    rpc: new SharedFrames(rpcEnding),
  };
}

/** Of tRPC's tracked data message, all that comes behind the request id. */
function rpcEnding({ cursor, event }: EventRecord): string {
  const id = JSON.stringify(cursor);
  return `,"result":{"type":"data","data":{"id":${id},"data":${eventJson(event)}},"id":${id}}}`;
}

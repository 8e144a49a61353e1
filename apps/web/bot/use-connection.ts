import { useEffect, useState, useSyncExternalStore } from "react";
import { useBot } from "./bot.tsx";

export type Connection = "connecting" | "live" | "reconnecting";

export function useConnection(): Connection {
  const { connection } = useBot().client;
  const state = useSyncExternalStore(
    (listener) => connection.subscribe(listener),
    () => connection.state,
    () => connection.state,
  );
  const [wasLive, setWasLive] = useState(false);
  useEffect(() => {
    if (state === "open") setWasLive(true);
  }, [state]);
  if (state === "open") return "live";
  return wasLive ? "reconnecting" : "connecting";
}

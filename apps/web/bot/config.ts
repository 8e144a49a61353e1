const DEVELOPMENT_SERVER = "http://127.0.0.1:8000";

/** The page talks to the server it came from, whatever a link says; only `next dev` runs apart from it. */
export function serverUrl(): string {
  if (process.env.NODE_ENV !== "development") return window.location.origin;
  return process.env.NEXT_PUBLIC_MYBOT_URL ?? DEVELOPMENT_SERVER;
}

/** The name that this page sends under. */
export const WEB_SOURCE = "web";

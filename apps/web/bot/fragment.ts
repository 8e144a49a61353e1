const TOKEN_KEY = "my-bot.token";

export function readFragment(hash: string, name: string): string | null {
  const pair = hash
    .replace(/^#/, "")
    .split("&")
    .find((part) => part.startsWith(`${name}=`));
  return pair === undefined ? null : decode(pair.slice(name.length + 1)) || null;
}

export function sessionFragment(sessionId: string): string {
  return `#s=${encodeURIComponent(sessionId)}`;
}

/** Takes a token out of the address, where it would stay visible and in the history, into this tab's storage. */
export function takeToken(): string | null {
  const token = readFragment(window.location.hash, "token");
  if (token === null) return window.sessionStorage.getItem(TOKEN_KEY);
  keepToken(token);
  const session = readFragment(window.location.hash, "s");
  const fragment = session === null ? "" : sessionFragment(session);
  window.history.replaceState(null, "", `${window.location.pathname}${window.location.search}${fragment}`);
  return token;
}

export function keepToken(token: string): void {
  window.sessionStorage.setItem(TOKEN_KEY, token);
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text; // typed by hand
  }
}

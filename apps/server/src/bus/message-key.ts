/**
 * The key under which a message is published: one for each id of a sender, whatever characters either has. The id comes
 * first, since ids that are made by time then stand together in the index.
 */
export function messageKey(messageId: string, source: string): string {
  return `message:${JSON.stringify([messageId, source])}`;
}

/** The key of a schema 3 store, `message:<source>:<id>`, in today's form; any other as it is. */
export function renewMessageKey(key: string): string {
  const [, source, messageId] = /^message:([a-z-]+:.*):(.*)$/s.exec(key) ?? [];
  return source === undefined || messageId === undefined ? key : messageKey(messageId, source);
}

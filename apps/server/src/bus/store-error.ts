/** The store cannot be used. The message is for whoever starts the server: it names the file and the remedy. */
export class StoreError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "StoreError";
  }
}

export function damagedStore(file: string, damage: string): StoreError {
  return new StoreError(
    `${file} is damaged: ${damage}; my-bot doctor tells how much, then move it away and restore a backup in its place`,
  );
}

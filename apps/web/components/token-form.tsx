"use client";

import { type FormEvent, useState } from "react";
import { Cat } from "./cat.tsx";

export function TokenForm({ isRetry, onSubmit }: { isRetry: boolean; onSubmit: (token: string) => void }) {
  const [token, setToken] = useState("");
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    if (token.trim() !== "") onSubmit(token.trim());
  };
  return (
    <main className="flex h-dvh items-center justify-center p-6">
      <form onSubmit={submit} className="flex w-full max-w-sm flex-col gap-4">
        <Cat className="size-14" />
        <h1 className="font-semibold text-xl">Who goes there?</h1>
        <p className="text-muted-foreground text-sm">
          {isRetry ? "That token was not accepted. " : ""}This server lets in only who knows a token. It is in the
          configuration of the workspace, as <code className="font-mono">api.token</code>.
        </p>
        <label className="flex flex-col gap-1.5 text-sm">
          Token
          <input
            type="password"
            autoComplete="off"
            data-testid="token"
            value={token}
            onChange={(event) => setToken(event.target.value)}
            className="rounded-lg border bg-transparent px-3 py-2 font-mono"
          />
        </label>
        <button
          type="submit"
          disabled={token.trim() === ""}
          className="rounded-lg bg-primary px-3 py-2 font-medium text-primary-foreground text-sm disabled:opacity-50"
        >
          Enter
        </button>
      </form>
    </main>
  );
}

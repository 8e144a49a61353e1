import { useServer } from "../bot/server.tsx";

/** Says that no language model answers, and how to get one. */
export function OfflineBanner() {
  const server = useServer();
  if (server?.info.llm.mode !== "offline") return null;
  return (
    <p
      role="note"
      data-testid="offline-badge"
      className="border-b bg-notice px-4 py-2 text-center text-notice-foreground text-xs leading-relaxed"
    >
      <strong className="font-semibold">Offline model.</strong> To add an API key, copy{" "}
      <code className="font-mono">config.example.yaml</code> to <code className="font-mono">config.user.yaml</code> in
      the workspace and fill in <code className="font-mono">llm.api_key</code>; no restart is needed.
    </p>
  );
}

import { useServer } from "../bot/server.tsx";

/** Says why an edit of the workspace is not in use, and which MCP servers are not. */
export function WorkspaceBanner() {
  const info = useServer()?.info;
  if (!info) return null;
  const servers = info.mcp.filter(({ problem }) => problem !== null);
  if (info.workspace.problem === null && servers.length === 0) return null;
  return (
    <div
      role="status"
      className="grid gap-1 break-words border-b px-4 py-2 text-center text-destructive text-xs leading-relaxed"
    >
      {info.workspace.problem !== null && (
        <p data-testid="workspace-problem">
          <strong className="font-semibold">Your last edit is not in use.</strong> {info.workspace.problem}
        </p>
      )}
      {servers.map(({ id, problem }) => (
        <p key={id} data-testid="mcp-problem">
          <strong className="font-semibold">MCP server {id}:</strong> {problem}
        </p>
      ))}
    </div>
  );
}

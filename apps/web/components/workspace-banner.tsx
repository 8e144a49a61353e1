import { useServer } from "../bot/server.tsx";

/** Says why an edit of the workspace is not in use. */
export function WorkspaceBanner() {
  const problem = useServer()?.info.workspace.problem;
  if (!problem) return null;
  return (
    <p
      role="status"
      data-testid="workspace-problem"
      className="break-words border-b px-4 py-2 text-center text-destructive text-xs leading-relaxed"
    >
      <strong className="font-semibold">Your last edit is not in use.</strong> {problem}
    </p>
  );
}

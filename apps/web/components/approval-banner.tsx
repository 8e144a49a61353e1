import { sessionFragment } from "../bot/fragment.ts";
import { useOpenApprovals } from "../bot/use-open-approvals.ts";

/** Says that a call waits for an answer in another conversation, such as one that an agent has begun, and leads there. */
export function ApprovalBanner({ selected }: { selected: string | null }) {
  const elsewhere = useOpenApprovals().filter(({ session_id }) => session_id !== selected);
  const [first] = elsewhere;
  if (first === undefined) return null;
  return (
    <p
      role="status"
      data-testid="approval-elsewhere"
      className="border-b bg-notice px-4 py-2 text-center text-notice-foreground text-xs leading-relaxed"
    >
      {elsewhere.length === 1 ? "A call waits" : `${elsewhere.length} calls wait`} for your approval elsewhere:{" "}
      <a href={sessionFragment(first.session_id)} className="font-semibold underline">
        {first.name}
      </a>
    </p>
  );
}

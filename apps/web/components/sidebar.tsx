import { SquarePen } from "lucide-react";
import { useBot } from "../bot/bot.tsx";
import { useServer } from "../bot/server.tsx";
import { selectNewSession } from "../bot/use-selected-session.ts";
import type { SessionList } from "../bot/use-sessions.ts";
import { Cat } from "./cat.tsx";
import { SessionItem } from "./session-item.tsx";
import { ThemeButton } from "./theme-button.tsx";

interface SidebarProps {
  readonly list: SessionList;
  readonly selected: string | null;
  /** A choice was made: a drawer closes. */
  onChoice(): void;
}

export function Sidebar({ list, selected, onChoice }: SidebarProps) {
  const startNew = (): void => {
    selectNewSession();
    onChoice();
  };
  return (
    <div className="flex h-full flex-col gap-3 bg-sidebar p-3">
      <div className="flex items-center gap-2 px-1.5 pt-0.5">
        <Cat className="size-7" />
        <span className="font-semibold tracking-tight">my-bot</span>
      </div>
      <button
        type="button"
        data-testid="new-session"
        onClick={startNew}
        className="flex items-center gap-2 rounded-lg border bg-background px-3 py-2 font-medium text-sm hover:bg-muted"
      >
        <SquarePen aria-hidden="true" className="size-4" />
        New conversation
      </button>
      <nav aria-label="Conversations" className="-mx-1 min-h-0 flex-1 overflow-y-auto px-1">
        <SessionItems list={list} selected={selected} onChoice={onChoice} />
      </nav>
      <Footer />
    </div>
  );
}

function SessionItems({ list, selected, onChoice }: SidebarProps) {
  const { client, reportError } = useBot();
  const { sessions, hasMore, showMore } = list;
  const remove = (sessionId: string): void => {
    client.sessions.delete(sessionId).catch(reportError);
    if (sessionId === selected) selectNewSession();
  };
  if (sessions === null) return null;
  if (sessions.length === 0) return <p className="px-2.5 py-2 text-muted-foreground text-sm">Nothing here yet.</p>;
  return (
    <>
      <ul className="flex flex-col gap-0.5">
        {sessions.map((session) => (
          <SessionItem
            key={session.session_id}
            session={session}
            parent={sessions.find(({ session_id }) => session_id === session.parent_session_id)}
            hasTasks={sessions.some(({ parent_session_id }) => parent_session_id === session.session_id)}
            isSelected={session.session_id === selected}
            onSelect={onChoice}
            onRename={(title) => void client.sessions.rename(session.session_id, title).catch(reportError)}
            onDelete={() => remove(session.session_id)}
          />
        ))}
      </ul>
      {hasMore && (
        <button
          type="button"
          onClick={showMore}
          className="mt-1 w-full rounded-lg px-2.5 py-2 text-left text-muted-foreground text-sm hover:bg-muted"
        >
          Show older
        </button>
      )}
    </>
  );
}

function Footer() {
  const server = useServer();
  return (
    <div className="flex items-center justify-between gap-2 pl-1.5">
      <span className="truncate text-muted-foreground text-xs">
        {server && `${server.info.llm.model} · v${server.info.version}`}
      </span>
      <ThemeButton />
    </div>
  );
}

"use client";

import { Menu } from "lucide-react";
import { useEffect, useState } from "react";
import { sessionFragment } from "../bot/fragment.ts";
import { useSelectedSession } from "../bot/use-selected-session.ts";
import { useSession } from "../bot/use-session.ts";
import { useSessions } from "../bot/use-sessions.ts";
import { loadMarkdown } from "./answer-text.tsx";
import { ApprovalBanner } from "./approval-banner.tsx";
import { ConnectionPill } from "./connection-pill.tsx";
import { Conversation, Gone, NewConversation } from "./conversation.tsx";
import { Drawer } from "./drawer.tsx";
import { IconButton } from "./icon-button.tsx";
import { OfflineBanner } from "./offline-banner.tsx";
import { sessionTitle } from "./session-item.tsx";
import { Sidebar } from "./sidebar.tsx";
import { SourceBadge } from "./source-badge.tsx";
import { useWideScreen } from "./use-wide-screen.ts";
import { WorkspaceBanner } from "./workspace-banner.tsx";

export function ChatPage() {
  const selected = useSelectedSession();
  const list = useSessions();
  const found = useSession(selected, list.sessions);
  const isMissing = found === "missing";
  const session = isMissing ? null : found;
  const isWide = useWideScreen();
  const [isDrawerOpen, setDrawerOpen] = useState(false);
  useEffect(() => {
    loadMarkdown().catch(() => undefined); // tried again when there is an answer to show
  }, []);
  const closeDrawer = (): void => setDrawerOpen(false);
  const sidebar = <Sidebar list={list} selected={selected} onChoice={closeDrawer} />;

  return (
    <div className="flex h-dvh">
      {isWide ? (
        <aside aria-label="Side list" className="w-72 shrink-0 border-r">
          {sidebar}
        </aside>
      ) : (
        <Drawer isOpen={isDrawerOpen} onClose={closeDrawer}>
          {sidebar}
        </Drawer>
      )}
      <main className="flex min-w-0 flex-1 flex-col">
        <Header
          title={selected === null || session ? sessionTitle(session) : "…"}
          source={session?.source}
          parentId={session?.parent_session_id ?? null}
          onMenu={isWide ? null : () => setDrawerOpen(true)}
        />
        <OfflineBanner />
        <WorkspaceBanner />
        <ApprovalBanner selected={selected} />
        {selected === null && <NewConversation />}
        {selected !== null && isMissing && <Gone />}
        {selected !== null && !isMissing && <Conversation key={selected} sessionId={selected} session={session} />}
      </main>
    </div>
  );
}

interface HeaderProps {
  readonly title: string;
  readonly source: string | undefined;
  /** The session whose agent began this one. */
  readonly parentId: string | null;
  /** Null where the side list is always there. */
  readonly onMenu: (() => void) | null;
}

function Header({ title, source, parentId, onMenu }: HeaderProps) {
  return (
    <header className="flex items-center gap-2 border-b px-4 py-2.5">
      {onMenu && (
        <IconButton label="Conversations" data-testid="menu" onClick={onMenu}>
          <Menu aria-hidden="true" className="size-5" />
        </IconButton>
      )}
      <h1 className="min-w-0 flex-1 truncate font-medium text-sm">{title}</h1>
      {parentId && (
        <a data-testid="parent" href={sessionFragment(parentId)} className="shrink-0 text-primary text-sm underline">
          Asked for here
        </a>
      )}
      {source && <SourceBadge source={source} />}
      <ConnectionPill />
    </header>
  );
}

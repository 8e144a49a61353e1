import { BotProvider } from "../bot/bot.tsx";
import { ServerProvider } from "../bot/server.tsx";
import { ChatPage } from "../components/chat-page.tsx";

export default function Page() {
  return (
    <BotProvider>
      <ServerProvider>
        <ChatPage />
      </ServerProvider>
    </BotProvider>
  );
}

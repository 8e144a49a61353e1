export { createTRPCUntypedClient, createWSClient, wsLink } from "@trpc/client";

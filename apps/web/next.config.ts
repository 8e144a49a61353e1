import path from "node:path";
import type { NextConfig } from "next";

const repository = path.join(import.meta.dirname, "../..");

const config: NextConfig = {
  output: "export",
  // `npm run check` has its own, faster type check of this folder.
  typescript: { ignoreBuildErrors: true },
  agentRules: false,
  devIndicators: false,
  turbopack: {
    root: repository,
    // From source, so that neither a build nor `next dev` needs the packages' dist folders.
    resolveAlias: { "@my-bot/client": "../../packages/client/src/index.ts" },
  },
};

export default config;

import { existsSync, mkdirSync, readFileSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { Redactor } from "../src/agent/redact.ts";
import { createServerLog } from "../src/server-log.ts";
import { tempDir } from "./support/temp-dir.ts";

const FULL_DEVICE = "/dev/full"; // Linux: each write to it fails with ENOSPC

test("[BUS20] [bug full-disk-log] the server's log is written at once; on a full disk it is lost without harm", () => {
  using dir = tempDir();
  const log = createServerLog(dir.path, new Redactor());
  log.error("one line");
  expect(readFileSync(join(dir.path, "my-bot.log"), "utf8")).toContain("one line");
  if (!existsSync(FULL_DEVICE)) return;

  const fullDir = join(dir.path, "full");
  mkdirSync(fullDir);
  symlinkSync(FULL_DEVICE, join(fullDir, "my-bot.log"));
  const fullLog = createServerLog(fullDir, new Redactor());
  for (let i = 0; i < 100; i++) expect(() => fullLog.error("x".repeat(20_000))).not.toThrow();
});

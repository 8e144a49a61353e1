import * as z from "zod";
import { McpConfig } from "./mcp-config.ts";
import { RelativePath } from "./relative-path.ts";
import { isTimeZone } from "./time-zone.ts";
import { ToolsConfig } from "./tools-config.ts";
import { WebreadConfig, WebsearchConfig } from "./web-config.ts";

const SEVEN_DAYS = 7 * 24 * 60 * 60; // seconds

/** Seconds; how long a model may keep a run waiting (SPEC RUN7). */
const Timeouts = z.strictObject({
  first_byte: z.number().positive().default(60),
  idle: z.number().positive().default(60),
  total: z.number().positive().default(600),
});

/** Of a million tokens. */
const Prices = z.strictObject({
  input: z.number().min(0),
  output: z.number().min(0),
  cached_input: z.number().min(0).optional(), // absent: as much as any input
  currency: z
    .string()
    .regex(/^[A-Z]{3}$/, "must be a currency's code of three letters, such as USD")
    .default("USD"),
});
export type PricesConfig = z.output<typeof Prices>;

/** One model and how it is asked. */
const ModelConfig = z.strictObject({
  provider: z.string().min(1).default("openai"), // "offline" is the built-in model
  model: z.string().min(1).default("offline"),
  api_key: z.string().optional(),
  api_base: z.url({ protocol: /^https?$/ }).optional(),
  temperature: z.number().min(0).max(2).default(0.7),
  max_tokens: z.int().positive().default(2048),
  images: z.boolean().optional(), // whether the model takes them; absent: by the name of the model
  context_window: z.int().min(1000).optional(), // tokens; absent: by the name of the model
  timeouts: Timeouts.prefault({}),
  prices: Prices.optional(),
});
export type ModelConfig = z.output<typeof ModelConfig>;

/** Which model answers and how; an agent may override any of it. */
export const LlmConfig = z.strictObject({
  ...ModelConfig.shape,
  fallbacks: z.array(ModelConfig).max(5).default([]), // asked in this order when the one before fails (SPEC LLM5)
});
export type LlmConfig = z.output<typeof LlmConfig>;

const Limits = z.strictObject({
  frame_bytes: z
    .int()
    .positive()
    .default(1024 * 1024),
  content_bytes: z
    .int()
    .positive()
    .default(64 * 1024),
  attachment_bytes: z
    .int()
    .positive()
    .default(5 * 1024 * 1024),
  batch_calls: z.int().positive().default(50),
  subscriptions: z.int().positive().default(50), // per connection
  connections: z.int().positive().default(10_000),
  connections_per_address: z.int().positive().default(100), // of another machine
  new_connections_per_second: z.int().positive().default(50), // of one address of another machine
  messages_per_second: z.number().positive().default(50), // per connection, bursts of 4 times this
  buffered_bytes: z
    .int()
    .positive()
    .default(1024 * 1024), // per connection
  queued_messages: z.int().positive().default(100), // per session
});
export type LimitsConfig = z.output<typeof Limits>;

const Api = z.strictObject({
  host: z.string().min(1).default("127.0.0.1"),
  port: z.int().min(0).max(65_535).default(8000),
  token: z.string().min(24, "must be at least 24 characters").optional(),
  allowed_origins: z.array(z.string().min(1)).default([]),
  allowed_hosts: z.array(z.string().min(1)).default([]),
  ping_seconds: z.number().positive().max(600).default(25), // between two pings of a socket; one unanswered ends it
  drain_seconds: z.number().min(0).max(600).default(10), // what running answers get when the server stops
  limits: Limits.prefault({}),
});
export type ApiConfig = z.output<typeof Api>;

function isPattern(value: string): boolean {
  try {
    new RegExp(value);
    return true;
  } catch {
    return false;
  }
}

/** Sources that match `value`, a regular expression for the whole source, are answered by `agent`. */
export const Binding = z.strictObject({
  agent: z.string().min(1),
  value: z.string().min(1).max(500).refine(isPattern, "is not a regular expression"),
});
export type BindingConfig = z.output<typeof Binding>;

/** When a conversation is made smaller: a share of the context window up to 1, else tokens (SPEC CMP1). */
const Compaction = z.strictObject({ threshold: z.number().positive().default(0.8) });
export type CompactionConfig = z.output<typeof Compaction>;

/** How much of the log to keep; what is absent has no limit. */
const Events = z.strictObject({
  keep: z
    .strictObject({ days: z.number().positive().optional(), megabytes: z.number().positive().optional() })
    .prefault({}),
});

/** What is asked and not answered in this time counts as denied. */
const Approvals = z.strictObject({
  timeout_seconds: z.number().positive().max(SEVEN_DAYS).default(300),
});

/** The merged `config.user.yaml` and `config.runtime.yaml`. The keys are the inherited ones; unknown keys are errors. */
export const Config = z.strictObject({
  llm: LlmConfig.prefault({}),
  default_agent: z.string().min(1).default("pickle"),
  agents_path: RelativePath.default("agents"),
  time_zone: z.string().refine(isTimeZone, "is not a time zone such as Europe/Berlin").optional(), // absent: the server's
  skills_path: RelativePath.default("skills"),
  crons_path: RelativePath.default("crons"),
  history_path: RelativePath.default(".history"), // accepted for old files: history lives in the log
  event_path: RelativePath.default(".event"),
  logging_path: RelativePath.default(".logs"),
  websearch: WebsearchConfig.optional(),
  webread: WebreadConfig.optional(),
  api: Api.prefault({}),
  events: Events.prefault({}),
  compaction: Compaction.prefault({}),
  tools: ToolsConfig.prefault({}),
  approvals: Approvals.prefault({}),
  mcp: McpConfig.prefault({}),
  routing: z.strictObject({ bindings: z.array(Binding).default([]) }).prefault({}),
});
export type Config = z.output<typeof Config>;

// Types alone: the API's decorators are nothing that worker threads, which load settings, could run.
import type { ApiConfig } from "../../api/index.ts";
import { countSetting as count, type ListSetting, type Setting } from "../../schema/index.ts";
import { readApiKeys } from "./api-keys.ts";
import type { Config } from "./settings.ts";

const group = "API";

const origins: ListSetting = {
  type: "list",
  group,
  default: [],
  pattern: /^https?:\/\/[^\s/@?#,]+$/,
  form: "origins such as http://localhost:5173, without a path, separated by commas",
  doc: "Origins, besides the API's own, whose pages may use it from a browser, such as `http://localhost:5173` of a development server.",
};

/** Where the API is, who may use it, and how much of it. */
export const apiSettings = {
  host: { type: "text", group, default: "127.0.0.1", doc: "Address that the API listens on." },
  port: count(group, 4_000, [0, 65_535], "Port of the API; 0 takes a free one."),
  workerPort: count(
    group,
    4_001,
    [0, 65_535],
    "First port for `/metrics`, `/health` and `/ready` of worker processes, on the address of `host`: each takes the first free one of 64 from there on, and its log tells which; 0 for none.",
  ),
  production: { type: "boolean", group, default: false, doc: "Switches introspection and GraphiQL off." },
  apiKeys: {
    type: "secret",
    group,
    default: "",
    doc: "Who may do more than read: `NAME:ROLE:KEY`, several apart by commas or lines. Roles are viewer; page, which sends customer events to `/collect`; producer, who sends all kinds of events; operator, who changes rules, too. Without any nobody does.",
  },
  allowedOrigins: origins,
  queryDepthMax: count(group, 10, [1, 100], "Most fields within one another in an operation."),
  queryCostMax: count(
    group,
    20_000,
    [1, 100_000_000],
    "Most fields that an answer may have, as estimated: each field once, times the page size of the lists around it.",
    "fields",
  ),
  socketsMax: count(group, 1_000, [1, 100_000], "Most WebSockets open at a time; further ones are refused."),
} as const satisfies Record<string, Setting>;

/** What the settings say of the API. */
export function apiConfigOf(config: Config) {
  const { host, port, production, allowedOrigins, queryDepthMax, queryCostMax, socketsMax } = config;
  return {
    ...{ host, port, production, allowedOrigins, socketsMax },
    apiKeys: readApiKeys(config.apiKeys).keys,
    depthMax: queryDepthMax,
    costMax: queryCostMax,
  } satisfies Partial<ApiConfig>;
}

/** Origins that no browser would send so: it leaves out the usual port, and writes small letters. */
export function originProblems({ allowedOrigins }: Config): string[] {
  return allowedOrigins.flatMap((origin) => {
    const sent = URL.canParse(origin) ? new URL(origin).origin : null;
    if (sent === origin) return [];
    return [`allowedOrigins: ${origin} ${sent === null ? "is no origin" : `must be written ${sent}`}`];
  });
}

import type { ApiKey } from "./api-keys.ts";

/** Settings of the API server. Each limit bounds what one caller can make it do or hold. */
export interface ApiConfig {
  readonly host: string;
  /** 0 takes a free port. */
  readonly port: number;
  /** No introspection, no GraphiQL, no hints at the schema in error messages. */
  readonly production: boolean;
  /** Origins, besides the server's own, whose pages may use the API: `https://shop.example`. */
  readonly allowedOrigins: readonly string[];
  /** Who may do more than read. */
  readonly apiKeys: readonly ApiKey[];
  /** Bytes of a request body or socket message. */
  readonly requestBytesMax: number;
  /** Bytes of a body of events, unpacked. */
  readonly collectBytesMax: number;
  /** Bytes of all bodies of events that are not in the log yet; further requests are asked to come later. */
  readonly collectUnderWayBytesMax: number;
  /** A request must have arrived whole within this time. */
  readonly requestTimeoutMs: number;
  /** Lexical tokens of a document. */
  readonly tokensMax: number;
  /** Nesting of fields. */
  readonly depthMax: number;
  /** Aliases in an operation. */
  readonly aliasesMax: number;
  /** Estimated fields of the answer, each times the page sizes around it; a query of the lake counts as 500. */
  readonly costMax: number;
  readonly socketsMax: number;
  /** Operations under way on one socket. */
  readonly operationsPerSocketMax: number;
  /** Alerts that wait for one subscriber before it is closed as too slow. */
  readonly subscriberQueueMax: number;
  /** Newest alerts kept in memory for those who resume. */
  readonly alertRingMax: number;
  /** Requests under way when the server closes have this time to end; then their connections are cut. */
  readonly closeWithinMs: number;
  /** A readiness probe answers within this time. */
  readonly probeTimeoutMs: number;
}

export const apiConfigDefaults: ApiConfig = {
  host: "127.0.0.1",
  port: 4000,
  production: false,
  allowedOrigins: [],
  apiKeys: [],
  requestBytesMax: 256 * 1024,
  collectBytesMax: 4 * 1024 * 1024,
  collectUnderWayBytesMax: 64 * 1024 * 1024,
  requestTimeoutMs: 30_000,
  tokensMax: 2_000,
  depthMax: 10,
  aliasesMax: 20,
  costMax: 20_000,
  socketsMax: 1_000,
  operationsPerSocketMax: 50,
  subscriberQueueMax: 1_024,
  alertRingMax: 4_096,
  closeWithinMs: 5_000,
  probeTimeoutMs: 2_000,
};

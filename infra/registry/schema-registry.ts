import { MillraceError } from "../../schema/index.ts";
import type { Config } from "../config/index.ts";

const REQUEST_MS_MAX = 10_000;
const CONTENT_TYPE = "application/vnd.schemaregistry.v1+json";
/** Confluent's number of an id that is not there; other 404s are wrong addresses. */
const NOT_FOUND = new Set([40401, 40402, 40403]);
/** No level is set for the subject itself. */
const NO_LEVEL = 40408;

export interface RegisteredSchema {
  readonly schema: string;
  readonly schemaType: string;
}

interface Answer {
  readonly status: number;
  readonly body: Readonly<Record<string, unknown>>;
}

/** Client of a schema registry with Confluent's interface. Tries once; the caller decides about more. */
export class SchemaRegistry {
  /** Without credentials: fit for messages. */
  readonly url: string;
  private readonly authorization: string | null;

  constructor(
    config: Pick<
      Config,
      "schemaRegistryUrl" | "schemaRegistryUsername" | "schemaRegistryPassword" | "schemaRegistryToken"
    >,
  ) {
    this.url = config.schemaRegistryUrl.replace(/\/+$/, "");
    const { schemaRegistryUsername: user, schemaRegistryPassword: password } = config;
    const basic = Buffer.from(`${user}:${password}`).toString("base64");
    this.authorization =
      config.schemaRegistryToken !== ""
        ? `Bearer ${config.schemaRegistryToken}`
        : user !== ""
          ? `Basic ${basic}`
          : null;
  }

  /** The schema of an id, or null where there is none. */
  async schemaOf(id: number): Promise<RegisteredSchema | null> {
    const { status, body } = await this.request("GET", `/schemas/ids/${id}`);
    if (status === 404) return null;
    return { schema: String(body.schema), schemaType: String(body.schemaType ?? "AVRO") };
  }

  /** The id under which the subject holds the schema, or null. */
  async find(subject: string, schema: object): Promise<number | null> {
    const path = `/subjects/${encodeURIComponent(subject)}?normalize=true`;
    const { status, body } = await this.request("POST", path, { schema: JSON.stringify(schema) });
    return status === 404 ? null : Number(body.id);
  }

  /** Adds the schema to the subject. Throws `schema-incompatible` where the subject's level forbids it. */
  async register(subject: string, schema: object): Promise<number> {
    const path = `/subjects/${encodeURIComponent(subject)}/versions?normalize=true`;
    const { body } = await this.request("POST", path, { schema: JSON.stringify(schema) });
    return Number(body.id);
  }

  /** The subject's own compatibility level, or null where it follows the registry's. */
  async compatibility(subject: string): Promise<string | null> {
    const { status, body } = await this.request("GET", `/config/${encodeURIComponent(subject)}`);
    return status === 404 ? null : String(body.compatibilityLevel);
  }

  /** False where the registry knows no such subject yet. */
  async setCompatibility(subject: string, compatibility: string): Promise<boolean> {
    const { status } = await this.request("PUT", `/config/${encodeURIComponent(subject)}`, { compatibility });
    return status !== 404;
  }

  /** An answer of status 2xx, or 404 for what is not there; all else is thrown. */
  private async request(method: string, path: string, body?: object): Promise<Answer> {
    const headers = {
      accept: `${CONTENT_TYPE}, application/json`,
      ...(body === undefined ? {} : { "content-type": CONTENT_TYPE }),
      ...(this.authorization === null ? {} : { authorization: this.authorization }),
    };
    let answer: Answer;
    try {
      const response = await fetch(`${this.url}${path}`, {
        method,
        headers,
        signal: AbortSignal.timeout(REQUEST_MS_MAX),
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      });
      answer = { status: response.status, body: parse(await response.text()) };
    } catch (error) {
      const why =
        error instanceof Error
          ? ((error.cause as Error | undefined)?.message ?? error.message)
          : String(error);
      throw this.error(
        "registry-unreachable",
        `does not answer: ${why}; check that it runs and that schemaRegistryUrl is right`,
        true,
      );
    }
    const code = Number(answer.body.error_code);
    const absent = answer.status === 404 && (NOT_FOUND.has(code) || code === NO_LEVEL);
    if (absent || (answer.status >= 200 && answer.status < 300)) return answer;
    throw this.refusal(answer, `${method} ${path}`);
  }

  private refusal({ status, body }: Answer, request: string): MillraceError {
    const said = String(body.message ?? body.title ?? "without a reason").slice(0, 2_000);
    if (status === 409) return this.error("schema-incompatible", said, false);
    if (status === 401 || status === 403) {
      const advice = "check schemaRegistryUsername and schemaRegistryPassword, or schemaRegistryToken";
      return this.error("registry-credentials", `refuses the credentials (${status}): ${advice}`, false);
    }
    if (status === 404) {
      const advice = "check the path of schemaRegistryUrl (Apicurio's is /apis/ccompat/v7)";
      return this.error("registry-address", `has nothing at ${request}: ${advice}`, false);
    }
    const passes = status === 429 || status >= 500;
    return this.error("registry-refused", `answers ${request} with ${status}: ${said}`, passes);
  }

  private error(code: string, message: string, retry: boolean): MillraceError {
    const origin = retry ? "external" : "user";
    return new MillraceError(`the schema registry at ${this.url} ${message}`, { code, origin, retry });
  }
}

function parse(text: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}

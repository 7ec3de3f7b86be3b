import { promisify } from "node:util";
import { gunzip } from "node:zlib";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { customerEventContract, type EventContract, MillraceError } from "../../schema/index.ts";
import {
  type Collected,
  type Collector,
  collectedContracts,
  type EventPlaces,
  placesOfJson,
  placesOfLines,
} from "../../stream/index.ts";
import { type Caller, type NoCaller, type Role, requireRole } from "../modules/common/caller.ts";
import { userError } from "../modules/common/errors.ts";
import type { ApiConfig } from "./config.ts";

export const COLLECT_ROUTE = "/collect/:topic";
const SENDERS: readonly Role[] = ["producer", "operator"];
/** Who may send what visitors of pages do, with a key that they can read there. */
const PAGE_SENDERS: readonly Role[] = ["page", ...SENDERS];
/** How events lie in a body, by its media type. */
const PLACES: Readonly<Record<string, (body: Buffer) => EventPlaces>> = {
  "application/json": placesOfJson,
  "application/x-ndjson": placesOfLines,
};

export interface CollectDeps {
  readonly collector: Pick<Collector, "collect">;
  readonly callerOf: (authorization: unknown) => Caller | NoCaller;
  readonly config: Pick<ApiConfig, "collectBytesMax" | "collectUnderWayBytesMax">;
  readonly observe: (topic: string, collected: Collected) => void;
}

interface ToTopic {
  readonly Params: { readonly topic: string };
}

/**
 * `POST /collect/TOPIC`: events of a topic's contract, as a JSON array, one object, or one object a line; gzipped, if the
 * sender likes. Answered when they are durable in the log: 200 where all are taken, 207 where some are, 422 where none
 * is, each with the refusals. After 429, 5xx or no answer the sender sends the same again.
 */
export function registerCollect(app: FastifyInstance, deps: CollectDeps): void {
  const { collector, callerOf, config, observe } = deps;
  const underWay = new BytesUnderWay(config.collectUnderWayBytesMax);
  const unpacking = someAtATime(UNPACKED_AT_ONCE);
  app.register(async (scope) => {
    // The bytes as they came: the decoder reads them.
    scope.removeAllContentTypeParsers();
    scope.addContentTypeParser(Object.keys(PLACES), { parseAs: "buffer" }, (_request, body, done) =>
      done(null, body),
    );
    scope.addContentTypeParser("*", (request, _body, done) => done(unknownMediaType(request)));
    scope.options(COLLECT_ROUTE, (_request, reply) => reply.code(204).header("allow", "POST").send());
    const onRequest = async (request: FastifyRequest<ToTopic>, reply: FastifyReply) => {
      const caller = callerOf(request.headers.authorization);
      // Who has no key learns of no topic.
      requireRole(caller, PAGE_SENDERS);
      if (contractOf(request) !== customerEventContract) requireRole(caller, SENDERS);
      underWay.begin(bodyBytesOf(request, config.collectBytesMax), request, reply);
    };
    const options = { bodyLimit: config.collectBytesMax, onRequest };
    scope.post<ToTopic>(COLLECT_ROUTE, options, async (request, reply) => {
      const contract = contractOf(request);
      const collected = await underWay.while(request, async () => {
        const body = await bodyOf(request, (packed) =>
          unpacking(async () => {
            const bytes = await unpacked(packed, config.collectBytesMax);
            underWay.add(bytes.length, request);
            return bytes;
          }),
        );
        const places = placesIn(request, body);
        return collector.collect(contract, body, places).catch(failed);
      });
      observe(contract.topic, collected);
      const { accepted, refused } = collected;
      return reply.code(refused === 0 ? 200 : accepted > 0 ? 207 : 422).send(collected);
    });
  });
}

/** Whatever it was, it is not the sender's: what the log says of servers and topics is for the operator. */
function failed(cause: unknown): never {
  throw new MillraceError("events that came over HTTP could not be appended", {
    code: "collect-failed",
    origin: "external",
    retry: true,
    cause,
  });
}

/**
 * The bodies that are not in the log yet, so that a log that is slow, or many senders, cost bounded memory. One counts until its
 * connection has come to an end, or its request has been seen to, where that is later: who hangs up
 * leaves what is being appended behind.
 */
class BytesUnderWay {
  private readonly bytesMax: number;
  private readonly bytesOf = new WeakMap<FastifyRequest, number>();
  private readonly seenTo = new WeakSet<FastifyRequest>();
  private bytes = 0;

  constructor(bytesMax: number) {
    this.bytesMax = bytesMax;
  }

  /** @throws MillraceError `collector-busy` where there is no room for so many */
  begin(bytes: number, request: FastifyRequest, reply: FastifyReply): void {
    this.add(bytes, request);
    reply.raw.once("close", () => {
      if (!this.seenTo.has(request)) this.release(request);
    });
  }

  /** Counts further bytes of a request; throws as {@link begin}. */
  add(bytes: number, request: FastifyRequest): void {
    if (this.bytes + bytes > this.bytesMax) {
      throw new MillraceError("Too many events are under way: send the same again in a moment.", {
        code: "collector-busy",
        // Shown as it is: there is nothing in it to hide.
        origin: "user",
        retry: true,
      });
    }
    this.bytes += bytes;
    this.bytesOf.set(request, (this.bytesOf.get(request) ?? 0) + bytes);
  }

  /** Does what a request asks for, whose bytes count as long as this takes. */
  async while<T>(request: FastifyRequest, work: () => Promise<T>): Promise<T> {
    this.seenTo.add(request);
    try {
      return await work();
    } finally {
      this.release(request);
    }
  }

  private release(request: FastifyRequest): void {
    this.bytes -= this.bytesOf.get(request) ?? 0;
    this.bytesOf.delete(request);
  }
}

/** What the body takes as it comes, at most; a sender need not say how long it is. */
function bodyBytesOf({ headers }: FastifyRequest, bytesMax: number): number {
  const bytes = Number(headers["content-length"] ?? bytesMax);
  if (bytes > bytesMax) throw tooLarge(bytesMax);
  return bytes;
}

function contractOf({ params }: FastifyRequest<ToTopic>): EventContract {
  const contract = collectedContracts.find(({ topic }) => topic === params.topic);
  if (contract !== undefined) return contract;
  const topics = collectedContracts.map(({ topic }) => topic).join(", ");
  throw userError(
    "unknown-topic",
    `There is no topic ${params.topic} that takes events; those are ${topics}.`,
  );
}

function placesIn(request: FastifyRequest, body: Buffer): EventPlaces {
  const [type] = (request.headers["content-type"] ?? "").split(";");
  const placesOf = PLACES[type.trim().toLowerCase()];
  // Fastify asks for a type where there is a body.
  if (placesOf === undefined) throw unknownMediaType(request);
  const places = placesOf(body);
  if (places.starts.length > 0) return places;
  throw userError("no-events", "The body has no event: send a JSON array, or one JSON object a line.");
}

const gunzipBytes = promisify(gunzip);
/** Bodies that are unpacked at the same time: what each of them comes to is known, and counts, only behind that. */
const UNPACKED_AT_ONCE = 4;

/** Runs work of which no more than so many goes on at a time; the rest waits in its order. */
function someAtATime(count: number): <T>(work: () => Promise<T>) => Promise<T> {
  const waiting: (() => void)[] = [];
  let free = count;
  return async (work) => {
    if (free > 0) free -= 1;
    else await new Promise<void>((resolve) => waiting.push(resolve));
    try {
      return await work();
    } finally {
      const next = waiting.shift();
      if (next === undefined) free += 1;
      else next();
    }
  };
}

async function bodyOf(request: FastifyRequest, unpack: (packed: Buffer) => Promise<Buffer>): Promise<Buffer> {
  const body = (request.body ?? Buffer.alloc(0)) as Buffer;
  return isGzipped(request) ? unpack(body) : body;
}

async function unpacked(body: Buffer, bytesMax: number): Promise<Buffer> {
  try {
    return await gunzipBytes(body, { maxOutputLength: bytesMax });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ERR_BUFFER_TOO_LARGE") throw tooLarge(bytesMax);
    throw userError("invalid-gzip", `The body is no whole gzip: ${(error as Error).message}.`);
  }
}

function isGzipped({ headers }: FastifyRequest): boolean {
  const encoding = headers["content-encoding"] ?? "identity";
  if (encoding === "identity") return false;
  if (encoding === "gzip") return true;
  throw userError("unknown-encoding", `The body is encoded as ${encoding}: send it as gzip, or as it is.`);
}

function tooLarge(bytesMax: number): MillraceError {
  return userError(
    "body-too-large",
    `The body is larger than ${bytesMax.toLocaleString("en")} bytes: send fewer events at a time.`,
  );
}

function unknownMediaType({ headers }: FastifyRequest): MillraceError {
  return userError(
    "unknown-media-type",
    `The body is ${headers["content-type"] ?? "of no type"}: send ${Object.keys(PLACES).join(" or ")} as its content-type.`,
  );
}

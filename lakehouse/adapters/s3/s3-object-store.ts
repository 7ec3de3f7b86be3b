import { randomUUID } from "node:crypto";
import {
  AbortMultipartUploadCommand,
  type CompletedPart,
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  DeleteObjectsCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  S3Client,
  UploadPartCommand,
} from "@aws-sdk/client-s3";
import { MillraceError } from "../../../schema/index.ts";
import { joinPieces, type ObjectBytes, type ObjectInfo, type ObjectStore } from "../../ports/object-store.ts";
import { type RequestRetryOptions, retryRequest } from "../request-retry.ts";
import { type S3Place, s3Error } from "./s3-errors.ts";

export interface S3ObjectStoreOptions {
  /** Address of an S3-compatible server, `http://127.0.0.1:9000`; absent for AWS itself. */
  readonly endpoint?: string;
  readonly region: string;
  readonly bucket: string;
  /** Folder of the bucket under which all keys lie; none by default. */
  readonly prefix?: string;
  /** Absent: the SDK's chain (environment, profile, instance role). */
  readonly credentials?: { readonly accessKeyId: string; readonly secretAccessKey: string };
  /** The bucket in the path instead of the host name (default: where there is an endpoint). */
  readonly pathStyle?: boolean;
  readonly limits?: Partial<S3Limits>;
  /** Resolves after so many ms. */
  readonly sleep: (ms: number) => Promise<void>;
  /** In [0, 1): spreads retries. */
  readonly random: () => number;
}

export interface S3Limits {
  /** Tries of one request. With the waits below ten bridge a restart of the server of about 15 s. */
  readonly attemptsMax: number;
  readonly backoffMsMin: number;
  readonly backoffMsMax: number;
  readonly connectMsMax: number;
  /** Longest silence on a connection on which a request is under way. */
  readonly silenceMsMax: number;
  /** Connections to the server; they are kept open between requests. */
  readonly socketsMax: number;
  /** Objects above this size go up in parts, so that a failure costs one part and not all. */
  readonly singlePutBytesMax: number;
  /** At least 5 MiB (S3's minimum). */
  readonly partBytes: number;
  readonly partsAtOnce: number;
}

const MIB = 2 ** 20;
const LIMITS: S3Limits = {
  attemptsMax: 10,
  backoffMsMin: 50,
  backoffMsMax: 4_000,
  connectMsMax: 3_000,
  silenceMsMax: 20_000,
  socketsMax: 32,
  singlePutBytesMax: 32 * MIB,
  partBytes: 16 * MIB,
  partsAtOnce: 3,
};

/** S3's maximum of one `DeleteObjects`. */
const DELETES_AT_ONCE = 1_000;
/** Folder of the objects of {@link S3ObjectStore.checkConditions}, each of which lives for a moment. */
const PROBES = "probes/";
const PRECONDITION_FAILED = "precondition-failed";
/** Object metadata that tells whose put made an object. */
const PUT_ID = "millrace-put";

/**
 * Objects in a bucket of S3, MinIO or another server that speaks its protocol, conditional put
 * included (`If-None-Match: *`). A put is durable when the server answers; of a multipart upload
 * nothing is visible before its completion, which is the commit point. A crash before it leaves parts
 * that nobody lists: MinIO removes them after a day, S3 by a lifecycle rule
 * (`AbortIncompleteMultipartUpload`).
 *
 * Every request is repeated while its error may pass. A conditional put whose answer was lost finds
 * its own object when repeated; an id that each put gives its object tells that from another's.
 */
export class S3ObjectStore implements ObjectStore {
  private readonly client: S3Client;
  private readonly place: S3Place;
  private readonly prefix: string;
  private readonly limits: S3Limits;
  private readonly retry: RequestRetryOptions;
  private closed = false;

  constructor(options: S3ObjectStoreOptions) {
    this.limits = { ...LIMITS, ...options.limits };
    this.place = { endpoint: options.endpoint ?? `S3 (${options.region})`, bucket: options.bucket };
    this.prefix = folderOf(options.prefix ?? "");
    this.retry = { ...this.limits, sleep: options.sleep, random: options.random };
    this.client = createClient(options, this.limits);
  }

  /**
   * Resolves when the bucket is there and may be listed; else rejects with what to do. For the start
   * of a process: wrong settings are told at once, a server that is just starting is waited for.
   */
  async check(): Promise<void> {
    await this.send(`check of bucket "${this.place.bucket}"`, () =>
      this.client.send(
        new ListObjectsV2Command({ Bucket: this.place.bucket, Prefix: this.prefix, MaxKeys: 1 }),
      ),
    );
  }

  /**
   * Resolves when the store refuses a conditional put of what is there; rejects with
   * `object-store-conditions-ignored` where it takes it, as servers do that do not know the condition: two
   * workers could both go on with a task, and nothing would show it but rows that are there twice.
   */
  async checkConditions(): Promise<void> {
    const key = `${PROBES}${randomUUID()}`;
    const once = { ifAbsent: true };
    await this.put(key, new Uint8Array(1), once);
    const isRefused = await this.put(key, new Uint8Array(1), once).then(
      () => false,
      (error: unknown) => {
        if (error instanceof MillraceError && error.code === PRECONDITION_FAILED) return true;
        throw error;
      },
    );
    await this.delete([key]);
    if (isRefused) return;
    throw new MillraceError(
      `the object store at ${this.place.endpoint} ignores the condition of a write (If-None-Match: *), by which one of two workers is kept from a task: take a version of it that knows conditional writes, or another store`,
      { code: "object-store-conditions-ignored", origin: "user" },
    );
  }

  async put(key: string, content: ObjectBytes, options: { readonly ifAbsent?: boolean } = {}): Promise<void> {
    const bytes = joinPieces(content);
    const id = randomUUID();
    const target = {
      ...this.target(key),
      ...(options.ifAbsent === true ? { IfNoneMatch: "*" } : {}),
    };
    if (bytes.length > this.limits.singlePutBytesMax) return this.putParts(key, bytes, target, id);
    const input = { ...target, Body: bytes, ContentLength: bytes.length, Metadata: { [PUT_ID]: id } };
    await this.unlessOwn(key, id, PRECONDITION_FAILED, () =>
      this.send(`put of "${key}"`, () => this.client.send(new PutObjectCommand(input))),
    );
  }

  async get(key: string): Promise<Uint8Array> {
    return this.send(`get of "${key}"`, async () => {
      const { Body } = await this.client.send(new GetObjectCommand(this.target(key)));
      // Within the retry: the connection may break in the middle of the body.
      return Body === undefined ? new Uint8Array(0) : Body.transformToByteArray();
    });
  }

  async head(key: string): Promise<ObjectInfo | null> {
    const found = await this.headObject(key);
    if (found === null) return null;
    return { key, bytes: found.ContentLength ?? 0, modifiedAt: found.LastModified?.getTime() ?? 0 };
  }

  async *list(prefix: string): AsyncIterable<ObjectInfo> {
    let token: string | undefined;
    do {
      const page = await this.send(`list of "${prefix}"`, () =>
        this.client.send(
          new ListObjectsV2Command({
            Bucket: this.place.bucket,
            Prefix: this.prefix + prefix,
            ContinuationToken: token,
          }),
        ),
      );
      for (const { Key, Size, LastModified } of page.Contents ?? []) {
        if (Key === undefined) continue;
        const key = Key.slice(this.prefix.length);
        yield { key, bytes: Size ?? 0, modifiedAt: LastModified?.getTime() ?? 0 };
      }
      token = page.NextContinuationToken;
    } while (token !== undefined);
  }

  async delete(keys: readonly string[]): Promise<void> {
    for (let i = 0; i < keys.length; i += DELETES_AT_ONCE) {
      const Objects = keys.slice(i, i + DELETES_AT_ONCE).map((key) => ({ Key: this.prefix + key }));
      const what = `delete of ${Objects.length} objects`;
      await this.send(what, async () => {
        const { Errors } = await this.client.send(
          new DeleteObjectsCommand({ Bucket: this.place.bucket, Delete: { Objects, Quiet: true } }),
        );
        const first = Errors?.find(({ Code }) => Code !== "NoSuchKey");
        if (first !== undefined) {
          throw s3Error({ name: first.Code, message: first.Message }, `delete of "${first.Key}"`, this.place);
        }
      });
    }
  }

  /** `s3://BUCKET/PREFIX/KEY`, as every Iceberg engine reads it. */
  uri(key: string): string {
    return `s3://${this.place.bucket}/${this.prefix}${key}`;
  }

  /** Closes the connections; requests that are under way fail, and are not tried again. */
  async close(): Promise<void> {
    this.closed = true;
    this.client.destroy();
  }

  private async putParts(
    key: string,
    bytes: Uint8Array,
    target: { readonly Bucket: string; readonly Key: string; readonly IfNoneMatch?: string },
    id: string,
  ): Promise<void> {
    const { IfNoneMatch, ...place } = target;
    const { UploadId } = await this.send(`start of the upload of "${key}"`, () =>
      this.client.send(
        new CreateMultipartUploadCommand({
          ...place,
          ChecksumAlgorithm: "CRC32",
          Metadata: { [PUT_ID]: id },
        }),
      ),
    );
    const upload = { ...place, UploadId };
    try {
      const Parts = await this.uploadParts(key, bytes, upload);
      const complete = new CompleteMultipartUploadCommand({
        ...upload,
        IfNoneMatch,
        MultipartUpload: { Parts },
      });
      // Repeated after a lost answer, it finds no upload any more, or its own object in the way.
      const ownCodes = `${PRECONDITION_FAILED} object-store-upload-gone`;
      await this.unlessOwn(key, id, ownCodes, () =>
        this.send(`end of the upload of "${key}"`, () => this.client.send(complete)),
      );
    } catch (error) {
      await this.client.send(new AbortMultipartUploadCommand(upload)).catch(() => {});
      throw error;
    }
  }

  private async uploadParts(
    key: string,
    bytes: Uint8Array,
    upload: { readonly Bucket: string; readonly Key: string; readonly UploadId: string | undefined },
  ): Promise<CompletedPart[]> {
    const { partBytes, partsAtOnce } = this.limits;
    const parts: CompletedPart[] = new Array(Math.ceil(bytes.length / partBytes));
    let next = 0;
    const work = async (): Promise<void> => {
      while (next < parts.length) {
        const index = next++;
        const PartNumber = index + 1;
        const Body = bytes.subarray(index * partBytes, PartNumber * partBytes);
        const { ETag, ChecksumCRC32 } = await this.send(`part ${PartNumber} of "${key}"`, () =>
          this.client.send(
            new UploadPartCommand({
              ...upload,
              PartNumber,
              Body,
              ContentLength: Body.length,
              ChecksumAlgorithm: "CRC32",
            }),
          ),
        );
        parts[index] = { PartNumber, ETag, ChecksumCRC32 };
      }
    };
    const results = await Promise.allSettled(Array.from({ length: partsAtOnce }, work));
    for (const result of results) if (result.status === "rejected") throw result.reason;
    return parts;
  }

  /** Runs a put; an error of one of the codes is none when the object is this put's own. */
  private async unlessOwn(
    key: string,
    id: string,
    codes: string,
    put: () => Promise<unknown>,
  ): Promise<void> {
    try {
      await put();
    } catch (error) {
      if (!(error instanceof MillraceError) || !codes.includes(error.code)) throw error;
      const found = await this.headObject(key);
      if (found?.Metadata?.[PUT_ID] !== id) throw error;
    }
  }

  private async headObject(key: string) {
    try {
      return await this.send(`look at "${key}"`, () =>
        this.client.send(new HeadObjectCommand(this.target(key))),
      );
    } catch (error) {
      if (error instanceof MillraceError && error.code === "object-not-found") return null;
      throw error;
    }
  }

  private send<T>(what: string, request: () => Promise<T>): Promise<T> {
    const tryOnce = async (): Promise<T> => {
      try {
        return await request();
      } catch (error) {
        throw s3Error(error, what, this.place);
      }
    };
    return retryRequest(this.retry, tryOnce, ({ retry }) => retry && !this.closed);
  }

  private target(key: string): { readonly Bucket: string; readonly Key: string } {
    return { Bucket: this.place.bucket, Key: this.prefix + key };
  }
}

/** Retries are this adapter's own, so that it knows which answers may have been lost. */
function createClient(options: S3ObjectStoreOptions, limits: S3Limits): S3Client {
  const agent = { keepAlive: true, maxSockets: limits.socketsMax };
  return new S3Client({
    region: options.region,
    forcePathStyle: options.pathStyle ?? options.endpoint !== undefined,
    ...(options.endpoint === undefined ? {} : { endpoint: options.endpoint }),
    ...(options.credentials === undefined ? {} : { credentials: options.credentials }),
    maxAttempts: 1,
    requestHandler: {
      connectionTimeout: limits.connectMsMax,
      socketTimeout: limits.silenceMsMax,
      httpAgent: agent,
      httpsAgent: agent,
    },
  });
}

function folderOf(prefix: string): string {
  const trimmed = prefix.replace(/^\/+|\/+$/g, "");
  return trimmed === "" ? "" : `${trimmed}/`;
}

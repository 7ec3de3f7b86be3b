import { type ErrorOrigin, MillraceError } from "../../../schema/index.ts";

/** Where requests go, for messages. */
export interface S3Place {
  /** `https://s3.amazonaws.com` or the address of an S3-compatible server. */
  readonly endpoint: string;
  readonly bucket: string;
}

interface S3Failure {
  readonly name?: string;
  readonly message?: string;
  /** Of Node's network errors: `ECONNREFUSED`. */
  readonly code?: string;
  readonly $metadata?: { readonly httpStatusCode?: number };
}

interface Kind {
  readonly code: string;
  readonly origin: ErrorOrigin;
  readonly retry: boolean;
  /** What happened and what to do. */
  readonly text: (place: S3Place) => string;
}

const CREDENTIALS: Kind = {
  code: "object-store-credentials-invalid",
  origin: "user",
  retry: false,
  text: ({ endpoint }) =>
    `the object store at ${endpoint} refuses the credentials; check access key id and secret access key`,
};
const DENIED: Kind = {
  code: "object-store-access-denied",
  origin: "user",
  retry: false,
  text: ({ bucket }) =>
    `access to bucket "${bucket}" is denied; check the credentials, and that their policy allows to list, read, write and delete in it`,
};
const NO_BUCKET: Kind = {
  code: "object-store-bucket-missing",
  origin: "user",
  retry: false,
  text: ({ endpoint, bucket }) =>
    `there is no bucket "${bucket}" at ${endpoint}; create it, or check the bucket's name and the endpoint`,
};
const REGION: Kind = {
  code: "object-store-region-wrong",
  origin: "user",
  retry: false,
  text: ({ endpoint, bucket }) =>
    `bucket "${bucket}" at ${endpoint} is of another region than configured; check the region`,
};
const PRECONDITION: Kind = {
  code: "precondition-failed",
  origin: "external",
  retry: false,
  text: () => "the object exists already",
};
const NOT_FOUND: Kind = {
  code: "object-not-found",
  origin: "external",
  retry: false,
  text: ({ bucket }) => `there is no such object in bucket "${bucket}"`,
};
const UPLOAD_GONE: Kind = {
  code: "object-store-upload-gone",
  origin: "external",
  retry: false,
  text: () => "the multipart upload was completed or aborted by another request",
};
const FULL: Kind = {
  code: "object-store-full",
  origin: "external",
  retry: true,
  text: ({ endpoint }) =>
    `the object store at ${endpoint} has no space left; free some, writing goes on then`,
};
const BUSY: Kind = {
  code: "object-store-unavailable",
  origin: "external",
  retry: true,
  text: ({ endpoint }) => `the object store at ${endpoint} cannot serve the request now; look at its log`,
};
const UNREACHABLE: Kind = {
  code: "object-store-unreachable",
  origin: "external",
  retry: true,
  text: ({ endpoint }) =>
    `the object store at ${endpoint} gives no answer; check that it runs, the endpoint, and the network between`,
};
const TLS: Kind = {
  code: "object-store-tls-failed",
  origin: "user",
  retry: false,
  text: ({ endpoint }) =>
    `no trusted TLS connection to ${endpoint}; check http or https in the endpoint, and its certificate`,
};
const REFUSED: Kind = {
  code: "object-store-request-refused",
  origin: "internal",
  retry: false,
  text: ({ endpoint }) => `${endpoint} refuses the request; check that it is the endpoint of an S3 service`,
};

/** By the error codes of S3 and MinIO (https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html). */
const BY_NAME = new Map<string, Kind>([
  ["InvalidAccessKeyId", CREDENTIALS],
  ["SignatureDoesNotMatch", CREDENTIALS],
  ["InvalidToken", CREDENTIALS],
  ["ExpiredToken", CREDENTIALS],
  ["CredentialsProviderError", CREDENTIALS],
  ["AccessDenied", DENIED],
  ["NoSuchBucket", NO_BUCKET],
  ["NoSuchUpload", UPLOAD_GONE],
  ["PermanentRedirect", REGION],
  ["AuthorizationHeaderMalformed", REGION],
  ["PreconditionFailed", PRECONDITION],
  // A concurrent request on the same key: whose came first is not decided, so it is asked again.
  ["ConditionalRequestConflict", BUSY],
  ["OperationAborted", BUSY],
  // By these names also where an answer of 200 tells of single keys that it did not delete.
  ["InternalError", BUSY],
  ["ServiceUnavailable", BUSY],
  ["ServerBusy", BUSY],
  ["SlowDown", BUSY],
  ["SlowDownRead", BUSY],
  ["SlowDownWrite", BUSY],
  ["RequestTimeout", BUSY],
  // The SDK corrects its clock by the answer's.
  ["RequestTimeTooSkewed", BUSY],
  // The body did not arrive as it was sent.
  ["BadDigest", BUSY],
  ["XAmzContentChecksumMismatch", BUSY],
  ["IncompleteBody", BUSY],
  ["XMinioStorageFull", FULL],
  ["TimeoutError", UNREACHABLE],
]);

const BY_STATUS = new Map<number, Kind>([
  [301, REGION],
  [401, CREDENTIALS],
  [403, DENIED],
  [404, NOT_FOUND],
  [409, BUSY],
  [412, PRECONDITION],
  [429, BUSY],
  [507, FULL],
]);

/** An S3 client's error in ours; `what` names the request: `put of "a/b"`. */
export function s3Error(error: unknown, what: string, place: S3Place): MillraceError {
  if (error instanceof MillraceError) return error;
  const failure = error as S3Failure;
  const kind = kindOf(failure);
  return new MillraceError(`${what} failed: ${kind.text(place)}${detail(failure)}`, {
    code: kind.code,
    origin: kind.origin,
    retry: kind.retry,
    cause: error,
  });
}

function kindOf(failure: S3Failure): Kind {
  const named = BY_NAME.get(failure.name ?? "");
  if (named !== undefined) return named;
  const status = failure.$metadata?.httpStatusCode;
  // An answer that cannot be parsed has a good status and a body from something else than S3.
  if (status !== undefined && status >= 300) return BY_STATUS.get(status) ?? (status >= 500 ? BUSY : REFUSED);
  if (/CERT|SSL|TLS|EPROTO|SIGNATURE/.test(failure.code ?? "")) return TLS;
  return isNetworkError(failure) ? UNREACHABLE : REFUSED;
}

/** Node's errors of sockets and name look-ups; an answer that was cut off is `aborted`, `ECONNRESET`. */
function isNetworkError(failure: S3Failure): boolean {
  return failure.code !== undefined && /^(E[A-Z_]+|HPE_[A-Z_]+)$/.test(failure.code);
}

function detail({ name, code, $metadata }: S3Failure): string {
  const parts = [code ?? name, $metadata?.httpStatusCode].filter((part) => part !== undefined);
  return parts.length === 0 ? "" : ` (${parts.join(", ")})`;
}

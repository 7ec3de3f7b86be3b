import { MillraceError, TLS_FAILURES } from "../../../schema/index.ts";

interface Fault {
  /** Redis' own error code at the begin of its message, or what the client says. */
  readonly pattern: RegExp;
  readonly code: string;
  readonly retry: boolean;
  readonly advice: string;
}

const UNREACHABLE: Omit<Fault, "pattern"> = {
  code: "hot-store-unreachable",
  retry: true,
  advice:
    "check that it runs, that the address is right (rediss:// where it wants TLS), and the network between",
};

const FAULTS: readonly Fault[] = [
  {
    pattern: /^(WRONGPASS|NOAUTH|NOPERM)|invalid password|without any password/,
    code: "hot-store-denied",
    retry: false,
    advice: "check user name and password in the address of Redis, and the user's rights",
  },
  {
    pattern: TLS_FAILURES.certificate,
    code: "hot-store-tls-failed",
    retry: false,
    advice: "name its authority's certificate in redisCaFile, and the server as its certificate does",
  },
  {
    pattern: /^OOM/,
    code: "hot-store-full",
    retry: true,
    advice: "raise maxmemory, or set maxmemory-policy volatile-ttl (every hot value can be made again)",
  },
  {
    pattern: /^READONLY/,
    code: "hot-store-read-only",
    retry: true,
    advice: "the address is a replica's: give the primary's, or wait until the failover is done",
  },
  {
    pattern: /^MISCONF/,
    code: "hot-store-read-only",
    retry: true,
    advice: "Redis cannot save to its disk: see its log, free space there",
  },
  {
    pattern:
      /^(LOADING|CLUSTERDOWN|MASTERDOWN|TRYAGAIN|MOVED|ASK)|ECONN|ENOTFOUND|EAI_AGAIN|ETIMEDOUT|EHOSTUNREACH|EPIPE|Connection is closed|max retries per request|timed out|Socket timeout|Failed to refresh slots/i,
    ...UNREACHABLE,
  },
];

/**
 * An error of the client as one of the hot store's.
 *
 * @param connection why the newest attempt to connect failed, if it did: a command that waited for
 *   a connection only says that it waited
 */
export function hotStoreError(
  error: unknown,
  { server, connection }: { readonly server: string; readonly connection: Error | null },
): MillraceError {
  if (error instanceof MillraceError) return error;
  const own = error instanceof Error ? error : new Error(String(error));
  const ownFault = faultOf(own);
  // The reason of the connection counts where the command failed for want of one.
  const isForWant = connection !== null && (ownFault === undefined || ownFault.code === UNREACHABLE.code);
  const cause = isForWant ? connection : own;
  const fault = (isForWant ? faultOf(connection) : ownFault) ?? {
    code: "hot-store-failed",
    retry: true,
    advice: "see the log of Redis",
  };
  return new MillraceError(`Redis at ${server}: ${cause.message}; ${fault.advice}`, {
    code: fault.code,
    origin: "external",
    retry: fault.retry,
    cause,
  });
}

export function timedOut(server: string, ms: number, connection: Error | null): MillraceError {
  if (connection !== null) return hotStoreError(connection, { server, connection });
  return new MillraceError(`Redis at ${server} did not answer within ${ms} ms; ${UNREACHABLE.advice}`, {
    code: UNREACHABLE.code,
    origin: "external",
    retry: true,
  });
}

export function overloaded(server: string, calls: number): MillraceError {
  return new MillraceError(
    `${calls} calls wait for Redis at ${server} already; wait until it answers again`,
    {
      code: "hot-store-overloaded",
      origin: "external",
      retry: true,
    },
  );
}

function faultOf(error: Error): Fault | undefined {
  const nested = (error as { readonly lastNodeError?: unknown }).lastNodeError;
  const texts = nested instanceof Error ? [nested.message, error.message] : [error.message];
  return FAULTS.find(({ pattern }) => texts.some((text) => pattern.test(text)));
}

import { constants } from "node:os";
import { addAbortSignal, type Readable } from "node:stream";
import { type Logger, pino } from "pino";
import { MillraceError } from "../../schema/index.ts";
import type { Config } from "../config/index.ts";
import { endWithReader } from "../tools/end-with-reader.ts";

/** What a command says, where: results on standard output, all else on standard error. */
export interface CliIo {
  readonly out: (text: string) => void;
  readonly err: (text: string) => void;
  /** Standard input, for the commands that read it; ends at the signal, also while the next piece is waited for. */
  readonly input: (signal: AbortSignal) => AsyncIterable<Buffer>;
  /** Whether standard error is a terminal, on which a line can be overwritten. */
  readonly errIsTerminal: boolean;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly folder: string;
  readonly clock: () => number;
}

export function processIo(): CliIo {
  endWithReader();
  return {
    out: (text) => void process.stdout.write(text),
    err: (text) => void process.stderr.write(text),
    input: (signal) => piecesUntil(process.stdin, signal),
    errIsTerminal: process.stderr.isTTY === true,
    environment: process.env,
    folder: process.cwd(),
    clock: Date.now,
  };
}

/** What a stream has until it ends, or until the signal. */
export async function* piecesUntil(stream: Readable, signal: AbortSignal): AsyncGenerator<Buffer> {
  try {
    yield* addAbortSignal(signal, stream);
  } catch (error) {
    if (!signal.aborted) throw error;
  }
}

/** Exit code 1 of a command whose report, on standard output, already says what is wrong. */
export class ReportedFailure extends Error {}

/** Work that failed half way: the message says how far it came, and `progress` tells it to programs. */
export class PartialFailure extends MillraceError {
  readonly progress: Readonly<Record<string, number>>;

  constructor(
    message: string,
    { cause, progress }: { readonly cause: MillraceError; readonly progress: PartialFailure["progress"] },
  ) {
    const { code, origin, retry } = cause;
    super(message, { code, origin, retry, cause });
    this.progress = progress;
  }
}

/** Structured logs on standard error, so that standard output stays one document. */
export function createLogger(config: Config, io: CliIo): Logger {
  return pino({ level: config.logLevel, base: null }, { write: io.err });
}

const PROGRESS_MS = 200;
const PROGRESS_LINES_MS = 5000;

/** Progress of long work: one line that changes on a terminal, else a line every few seconds. */
export class Progress {
  readonly #io: CliIo;
  #last: number;
  #open = false;

  constructor(io: CliIo) {
    this.#io = io;
    // Work that is done within the first moment shows nothing.
    this.#last = io.clock();
  }

  show(text: () => string): void {
    const now = this.#io.clock();
    const terminal = this.#io.errIsTerminal;
    if (now - this.#last < (terminal ? PROGRESS_MS : PROGRESS_LINES_MS)) return;
    this.#last = now;
    this.#io.err(terminal ? `\r\u001b[K${text()}` : `${text()}\n`);
    this.#open = terminal;
  }

  /** Clears the line. */
  end(): void {
    if (this.#open) this.#io.err("\r\u001b[K");
    this.#open = false;
  }
}

export interface Interruption {
  readonly signal: AbortSignal;
  /** Resolves at the first SIGINT or SIGTERM. */
  readonly received: Promise<NodeJS.Signals>;
  dispose(): void;
}

/** The first SIGINT or SIGTERM asks for an orderly end; the second ends at once. */
export function onInterrupt(): Interruption {
  const controller = new AbortController();
  const received = new Promise<NodeJS.Signals>((resolve) =>
    controller.signal.addEventListener("abort", () => resolve(controller.signal.reason)),
  );
  const listener = (signal: NodeJS.Signals): void => {
    if (controller.signal.aborted) process.exit(exitCodeOf(signal));
    controller.abort(signal);
  };
  process.on("SIGINT", listener);
  process.on("SIGTERM", listener);
  return {
    signal: controller.signal,
    received,
    dispose() {
      process.off("SIGINT", listener);
      process.off("SIGTERM", listener);
    },
  };
}

/**
 * Waits for what a command opens before it begins, servers that are down among it. A signal before that ends
 * the process at once: nothing has begun that would have to end in order, and the wait may be long.
 */
export async function openUnlessInterrupted<T>(
  opening: Promise<T>,
  { received }: Interruption,
  io: CliIo,
): Promise<T> {
  let isOpen = false;
  void received.then((signal) => {
    if (isOpen) return;
    io.err("millrace: interrupted before the platform was open\n");
    process.exit(exitCodeOf(signal));
  });
  return opening.finally(() => {
    isOpen = true;
  });
}

/** Waits for work; throws `interrupted` where a signal comes before. Work that is given up may reject later, unheard. */
export async function unlessInterrupted(
  work: Promise<void>,
  { received, signal }: Interruption,
  whatThen: string,
): Promise<void> {
  await Promise.race([work, received]);
  if (signal.aborted) throw interrupted(whatThen);
}

/** As shells tell of a process that a signal ended. */
function exitCodeOf(signal: NodeJS.Signals): number {
  return 128 + constants.signals[signal];
}

/** @param whatThen what became of the work, and how it goes on */
export function interrupted(whatThen: string): MillraceError {
  return new MillraceError(`interrupted; ${whatThen}`, {
    code: "interrupted",
    origin: "user",
    retry: true,
  });
}

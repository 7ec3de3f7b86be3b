import { MillraceError } from "../../schema/index.ts";
import {
  type ByteLine,
  type DeadLetterResends,
  RESEND_LETTERS_MAX,
  type ResendAuthorship,
  type ResendOutcome,
  type ResendRequest,
} from "../../stream/index.ts";
import { PartialFailure } from "./cli-io.ts";
import { requestOfLine } from "./letter-lines.ts";

/** Letters whose bytes come to more are sent in several goes. */
const GO_BYTES_MAX = 4 << 20;
const EXAMPLES_MAX = 10;

export interface RefusedLetter {
  readonly line: number;
  readonly id: string | null;
  readonly reason: string;
  readonly field: string | null;
  readonly detail: string;
}

/** What became of the lines. What counts as sent is durable in the log. */
export interface SentLetters {
  lines: number;
  sent: number;
  alreadySent: number;
  notFound: number;
  readonly refused: Record<string, number>;
  readonly refusedExamples: RefusedLetter[];
}

/** Sends the letters that lines of JSON name, as {@link requestOfLine} reads them, many at a time. */
export class LetterSender {
  readonly report: SentLetters = {
    ...{ lines: 0, sent: 0, alreadySent: 0, notFound: 0 },
    ...{ refused: {}, refusedExamples: [] },
  };
  private readonly resends: DeadLetterResends;
  private readonly authorship: ResendAuthorship;
  private waiting: { readonly line: number; readonly request: ResendRequest }[] = [];
  private waitingBytes = 0;

  constructor(resends: DeadLetterResends, authorship: ResendAuthorship) {
    this.resends = resends;
    this.authorship = authorship;
  }

  async take(lines: readonly ByteLine[], signal: AbortSignal): Promise<void> {
    for (const { line, bytes } of lines) {
      if (signal.aborted) return;
      this.report.lines++;
      const request =
        bytes === null
          ? { reason: "invalid-line", detail: "it is longer than a record may be" }
          : requestOfLine(bytes);
      if ("reason" in request) {
        this.refuse({ line, id: null, field: null, ...request });
        continue;
      }
      const size = request.payload?.length ?? 0;
      if (this.waiting.length === RESEND_LETTERS_MAX || this.waitingBytes + size > GO_BYTES_MAX)
        await this.flush();
      this.waiting.push({ line, request });
      this.waitingBytes += size;
    }
  }

  /** Sends what waits. */
  async flush(): Promise<void> {
    const { waiting } = this;
    this.waiting = [];
    this.waitingBytes = 0;
    if (waiting.length === 0) return;
    const requests = waiting.map(({ request }) => request);
    const outcomes = await this.resends.send(requests, this.authorship);
    for (const [i, outcome] of outcomes.entries()) this.count(outcome, waiting[i].line);
  }

  /** A failure, with how far the lines had come by then. */
  failureOf(error: unknown): unknown {
    if (!(error instanceof MillraceError)) return error;
    const { sent, alreadySent, lines } = this.report;
    return new PartialFailure(
      `${error.message}; ${sent.toLocaleString("en")} letters are sent: the same command goes on with the others`,
      { cause: error, progress: { sent, alreadySent, linesBegun: lines } },
    );
  }

  private count(outcome: ResendOutcome, line: number): void {
    const { report } = this;
    if (outcome.kind === "sent") report.sent++;
    else if (outcome.kind === "already-sent") report.alreadySent++;
    else if (outcome.kind === "not-found") report.notFound++;
    else this.refuse({ line, id: outcome.id, ...outcome.refusal });
  }

  private refuse(letter: RefusedLetter): void {
    const { refused, refusedExamples } = this.report;
    refused[letter.reason] = (refused[letter.reason] ?? 0) + 1;
    if (refusedExamples.length < EXAMPLES_MAX) refusedExamples.push(letter);
  }
}

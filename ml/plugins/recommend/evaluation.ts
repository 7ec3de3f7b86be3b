import { defineEvaluation, type EvaluationContext, type InputFile } from "../../evaluation.ts";
import { unusableFile } from "../../training/input-file.ts";
import { itemKnnBaseline, popularityBaseline } from "./baselines.ts";
import { encodeRecommender } from "./model-file.ts";
import { measureRanker, SHOWN } from "./ranking-protocol.ts";
import { DEFAULT_OPTIONS } from "./recommend-options.ts";
import { type Recommender, trainRecommender } from "./recommender.ts";
import {
  makeSessionLog,
  numberedLines,
  parseCases,
  parseSession,
  prefixCases,
  type RankingCases,
  type SessionLog,
} from "./session-log.ts";

interface Split {
  readonly log: SessionLog;
  readonly cases: RankingCases;
  /** Share of the training file that the cases are of; null where they are of a test file. */
  readonly newest: number | null;
}

/** `millrace evaluate recommend`. */
export const evaluation = defineEvaluation({
  doc: "next items of sessions: hit rate and mean reciprocal rank among the first 20 of all items",
  options: {
    train: {
      kind: "file",
      doc: "one session a line, item numbers in order, oldest session first",
      required: true,
    },
    test: {
      kind: "file",
      doc: "lines PREFIX<TAB>TARGET; without it, the newest sessions",
      required: false,
    },
    newest: {
      kind: "share",
      doc: "share of the sessions, the newest, to test on without a test file",
      default: 0.1,
    },
    stages: {
      kind: "choice",
      doc: "blend: co-occurrence, neighbours and returns; ranked: their candidates put in order by trees",
      choices: ["ranked", "blend"],
      default: "ranked",
    },
  },
  example: "--train sessions.txt.gz",
  async run({ train, test, newest, stages }, context) {
    const split = await readSplit(train, test, newest);
    const { log, cases } = split;
    context.onProgress(`${cases.targets.length} cases`);
    const started = context.clock();
    const recommender = trainRecommender(log, {
      seed: context.seed,
      onProgress: context.onProgress,
      options: stages === "ranked" ? DEFAULT_OPTIONS : { ...DEFAULT_OPTIONS, ranking: null },
    });
    const trainingSeconds = (context.clock() - started) / 1000;
    const measured = measureTimed(recommender, cases, context);
    const { byPopularity } = recommender.base.statistics;
    context.onProgress("measuring the baselines");
    const baselines = {
      popularity: measureRanker(popularityBaseline(log), cases, byPopularity),
      itemKnn: measureRanker(itemKnnBaseline(log), cases, byPopularity),
    };
    for (const table of ["all", "discovery"] as const) {
      const title = table === "all" ? "all targets" : "discovery";
      const rankers = Object.entries({ ours: measured.tables, ...baselines });
      const series = rankers.map(([name, tables]) => ({ name, shares: tables[table].hitRateAt }));
      context.onEvidence?.({ kind: "hits", title, series });
    }
    return {
      sessions: log.starts.length - 1,
      events: log.items.length,
      items: log.itemNumbers.length,
      cases: cases.targets.length,
      unknownTargets: cases.targets.reduce((total, target) => total + (target < 0 ? 1 : 0), 0),
      method: split.newest === null ? "train-test" : "newest-sessions",
      newest: split.newest,
      stages,
      seed: context.seed,
      ...measured.tables,
      baselines,
      trainingSeconds,
      answerMs: measured.answerMs,
      modelBytes: encodeRecommender(recommender).length,
    };
  },
});

function measureTimed(
  recommender: Recommender,
  cases: RankingCases,
  { clock, onProgress }: EvaluationContext,
) {
  const times: number[] = [];
  let before = clock();
  const tables = measureRanker(
    (prefix, mode) => {
      before = clock();
      return recommender.rank(prefix, { count: SHOWN, mode });
    },
    cases,
    recommender.base.statistics.byPopularity,
    () => {
      times.push(clock() - before);
      if (times.length % 20_000 === 0) onProgress(`${times.length} answers`);
    },
  );
  const sorted = Float64Array.from(times).sort();
  const quantile = (q: number): number =>
    sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))] ?? 0;
  return { tables, answerMs: { p50: quantile(0.5), p99: quantile(0.99) } };
}

async function readSplit(train: InputFile, test: InputFile | null, newest: number): Promise<Split> {
  const sessions = numberedLines(await train.lines()).map((line) => parseSession(line, train.path));
  if (sessions.length === 0) throw unusableFile(train.path, "it has no sessions");
  if (test !== null) {
    const log = makeSessionLog(sessions);
    const cases = parseCases(numberedLines(await test.lines()), test.path, log.itemNumbers);
    if (cases.targets.length === 0) throw unusableFile(test.path, "it has no cases");
    return { log, cases, newest: null };
  }
  const cut = Math.ceil(sessions.length * (1 - newest));
  const log = makeSessionLog(sessions.slice(0, cut));
  const cases = prefixCases(sessions.slice(cut), log.itemNumbers);
  if (cases.targets.length > 0) return { log, cases, newest };
  throw unusableFile(
    train.path,
    `the newest ${newest} of it has no session of two items: give a test file, too`,
  );
}

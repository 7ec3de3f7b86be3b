import { DEFAULT_OPTIONS, type Recommender, trainRecommender } from "../../../ml/plugins/recommend/index.ts";
import { measureRanker, type Ranker, SHOWN } from "../../../ml/plugins/recommend/ranking-protocol.ts";
import {
  makeSessionLog,
  numberedLines,
  parseSession,
  prefixCases,
  type RankingCases,
} from "../../../ml/plugins/recommend/session-log.ts";
import { type ComparedModel, type Comparison, timed } from "./comparison.ts";

/** The newest sessions, as `millrace evaluate recommend` holds them out. */
const VALIDATION_SHARE = 0.1;

export const retailRocketComparison = recommendComparison(
  "recommend-retailrocket",
  "sessions/retailrocket-train-sessions.txt.gz",
);
export const yoochooseComparison = recommendComparison(
  "recommend-yoochoose",
  "sessions/yoochoose64-train-sessions.txt.gz",
);

function recommendComparison(name: string, file: string): Comparison {
  return {
    name,
    file,
    script: "recommend.py",
    async measureOurs(input, folder, { seed, onProgress }) {
      const sessions = numberedLines(await input.lines()).map((line) => parseSession(line, input.path));
      const cut = Math.ceil(sessions.length * (1 - VALIDATION_SHARE));
      const log = makeSessionLog(sessions.slice(0, cut));
      const cases = prefixCases(sessions.slice(cut), log.itemNumbers);
      folder.write("items", log.items);
      folder.write("starts", log.starts);
      folder.write("caseItems", cases.items);
      folder.write("caseFrom", cases.from);
      folder.write("caseTo", cases.to);
      folder.write("targets", cases.targets);
      return [
        await measure("ours", cases, () => trainRecommender(log, { seed, onProgress })),
        await measure("ours, first stage", cases, () =>
          trainRecommender(log, { seed, onProgress, options: { ...DEFAULT_OPTIONS, ranking: null } }),
        ),
      ];
    },
  };
}

async function measure(name: string, cases: RankingCases, train: () => Recommender): Promise<ComparedModel> {
  const trained = await timed(train);
  const rank: Ranker = (prefix, mode) => trained.value.rank(prefix, { count: SHOWN, mode });
  const measured = await timed(() => measureRanker(rank, cases, trained.value.base.statistics.byPopularity));
  const { all, discovery } = measured.value;
  return {
    name,
    figures: {
      "hit rate": all.hitRate20,
      MRR: all.mrr20,
      "hit rate, discovery": discovery.hitRate20,
      "MRR, discovery": discovery.mrr20,
    },
    trainingSeconds: trained.seconds,
    scoringSeconds: measured.seconds,
  };
}

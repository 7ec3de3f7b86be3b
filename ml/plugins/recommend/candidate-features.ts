/**
 * What the second stage knows of a candidate. Forward: the candidate came after the item, backward:
 * before it; by event of the item. `2`: the item before the last one, `All`: all of the prefix,
 * decayed. Votes are those of similar sessions. Ages count sessions.
 */
export const CANDIDATE_FEATURES = [
  "direct",
  "forward",
  "backward",
  "forward2",
  "backward2",
  "forwardAll",
  "backwardAll",
  "links",
  "cosine",
  "votes",
  "votesShare",
  "votesMax",
  "forwardShare",
  "forwardMax",
  "second",
  "secondShare",
  "pairsShare",
  "blend",
  "blendShare",
  "rank",
  "events",
  "recent",
  "recentShare",
  "lastAge",
  "firstAge",
  "returns",
  "continued",
  "visitedAt",
  "visits",
  "length",
  "distinct",
  "repeatShare",
  "lastEvents",
] as const;

/** Position of each feature. */
export const Feature = Object.fromEntries(CANDIDATE_FEATURES.map((name, index) => [name, index])) as Readonly<
  Record<(typeof CANDIDATE_FEATURES)[number], number>
>;

/** The first stage's score against that of its best candidate: what the trees correct. */
export const BLEND_SHARE = Feature.blendShare;

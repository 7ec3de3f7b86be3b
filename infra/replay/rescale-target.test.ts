import { describe, expect, it } from "vitest";
import { scenarioConfig } from "../scenarios/testing/scenario-home.ts";
import { sharedBetween } from "./rescale-target.ts";

describe("sharedBetween", () => {
  const old = scenarioConfig("old", {
    mode: "distributed",
    kafkaBrokers: ["kafka:9092"],
    s3Bucket: "shop",
    catalogUri: "http://catalog",
    trinoUrl: "http://trino",
    redisUrl: "redis://redis",
    kafkaTopicPrefix: "a.",
  });
  const apart = {
    kafkaTopicPrefix: "b.",
    kafkaGroup: "b",
    s3Prefix: "b",
    catalogWarehouse: "b",
    redisPrefix: "b",
  };

  it("finds nothing between platforms that are apart by names on the same servers", () => {
    expect(sharedBetween(old, { ...old, ...apart })).toEqual([]);
  });

  it.each(Object.keys(apart) as (keyof typeof apart)[])("finds what has no %s of its own", (key) => {
    const shared = sharedBetween(old, { ...old, ...apart, [key]: old[key] });
    expect(shared).toEqual([expect.stringContaining(key)]);
  });

  it("takes other servers for apart", () => {
    const kafkaElsewhere = {
      ...old,
      ...apart,
      kafkaTopicPrefix: old.kafkaTopicPrefix,
      kafkaBrokers: ["other:9092"],
    };
    expect(sharedBetween(old, kafkaElsewhere)).toEqual([]);
  });
});

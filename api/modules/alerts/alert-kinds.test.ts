import type { GraphQLInputObjectType, GraphQLObjectType } from "graphql";
import { expect, it } from "vitest";
import { alertKinds, DEFAULT_RULES, detectorSpecs } from "../../../stream/index.ts";
import { describeApiSchema } from "../../server/schema.ts";

it("lists every kind of alert where one is shown, and where one is asked for", () => {
  const kinds = Object.keys(alertKinds);
  const live = [
    "fraud",
    "flash-sale",
    "high-propensity",
    "model-problem",
    "payment-missing",
    "low-stock",
    "stock-out",
  ];
  const detected = detectorSpecs.flatMap(({ alerts }) => Object.keys(alerts));
  expect(kinds).toEqual(expect.arrayContaining([...live, ...detected, ...DEFAULT_RULES.map(({ id }) => id)]));
  const schema = describeApiSchema();
  const event = schema.getType("AlertEvent") as GraphQLObjectType;
  const filter = schema.getType("AlertFilter") as GraphQLInputObjectType;
  for (const { description } of [event.getFields().kind, filter.getFields().kinds])
    expect(kinds.filter((kind) => !description?.includes(`\`${kind}\``))).toEqual([]);
});

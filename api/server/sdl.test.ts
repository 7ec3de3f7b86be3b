import { readFileSync } from "node:fs";
import { join } from "node:path";
import { extendSchema, GraphQLObjectType, GraphQLSchema, parse } from "graphql";
import { describe, expect, it } from "vitest";
import { packageRoot } from "./package-root.ts";
import { describeApiSchema } from "./schema.ts";
import { breakingChanges, nextSdlVersion, renderSdl, type SdlVersion, sdlHash } from "./sdl.ts";

const sdl = readFileSync(join(packageRoot(), "schema/api.graphql"), "utf8");
const version = JSON.parse(
  readFileSync(join(packageRoot(), "schema/api.version.json"), "utf8"),
) as SdlVersion;

/** Types that have no description yet: give them one, and take them out. */
const TO_BE_DESCRIBED: readonly string[] = [
  ...["AnswerSource", "PopularProduct", "ProductFilter"],
  ...["Funnel", "FunnelBasis", "FunnelDimension", "FunnelStepName"],
];

/** The schema without one field of one type. */
function without(schema: GraphQLSchema, typeName: string, fieldName: string): GraphQLSchema {
  const type = schema.getType(typeName) as GraphQLObjectType;
  const { [fieldName]: _removed, ...fields } = type.toConfig().fields;
  const config = schema.toConfig();
  const reduced = new GraphQLObjectType({ ...type.toConfig(), fields });
  return new GraphQLSchema({ ...config, ...(typeName === "Query" && { query: reduced }), types: [] });
}

describe("published SDL", () => {
  const schema = describeApiSchema();

  it("is what the code says; else run `npm run sdl`", () => {
    expect(renderSdl(schema)).toBe(sdl);
  });

  it("was written by the command, not by hand", () => {
    expect(sdlHash(sdl)).toBe(version.sha256);
  });

  it("breaks no client without an accepted reason", () => {
    expect(breakingChanges(sdl, schema)).toEqual([]);
    expect(version.version).toBe(1 + version.breaks.length);
  });

  it("says of every type and every operation what it is", () => {
    const roots = [schema.getQueryType(), schema.getMutationType(), schema.getSubscriptionType()];
    const named = Object.values(schema.getTypeMap()).filter(
      (type) => !type.name.startsWith("__") && !roots.includes(type as GraphQLObjectType),
    );
    const operations = roots.flatMap((root) => Object.values(root?.getFields() ?? {}));
    const silent = [...named, ...operations]
      .filter(({ description }) => !description)
      .map(({ name }) => name);
    expect(silent.filter((name) => !TO_BE_DESCRIBED.includes(name))).toEqual([]);
  });

  it("has a gate that finds a removed field, and takes it only with a reason", () => {
    const broken = without(schema, "Query", "product");
    expect(breakingChanges(sdl, broken)).toEqual(["Query.product was removed."]);
    expect(() => nextSdlVersion({ sdl, version }, broken, null)).toThrow(/Query\.product was removed/);
    const next = nextSdlVersion({ sdl, version }, broken, "products only");
    expect(next.version).toBe(version.version + 1);
    expect(next.breaks.at(-1)).toEqual({
      version: next.version,
      reason: "products only",
      changes: ["Query.product was removed."],
    });
    expect(next.sha256).toBe(sdlHash(renderSdl(broken)));
  });

  it("lets an addition pass without a new version", () => {
    const wider = extendSchema(schema, parse("extend type Query { more: String }"));
    expect(nextSdlVersion({ sdl, version }, wider, null).version).toBe(version.version);
  });
});

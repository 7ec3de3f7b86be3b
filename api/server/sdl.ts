import { createHash } from "node:crypto";
import { buildSchema, findBreakingChanges, type GraphQLSchema, printSchema } from "graphql";

/** Version of the published SDL, with every break that was accepted: `schema/api.version.json`. */
export interface SdlVersion {
  /** One more with each accepted set of breaking changes. */
  readonly version: number;
  /** SHA-256 of `schema/api.graphql`: it is written by the command, never by hand. */
  readonly sha256: string;
  readonly breaks: readonly {
    readonly version: number;
    readonly reason: string;
    readonly changes: readonly string[];
  }[];
}

const HEADER = "# Written by `npm run sdl`; do not edit. Breaking changes: see api.version.json.\n\n";

export function renderSdl(schema: GraphQLSchema): string {
  return `${HEADER}${printSchema(schema)}\n`;
}

export function sdlHash(sdl: string): string {
  return createHash("sha256").update(sdl).digest("hex");
}

/** What of the published SDL its clients would lose; empty where nothing. */
export function breakingChanges(published: string, schema: GraphQLSchema): readonly string[] {
  return findBreakingChanges(buildSchema(published), schema).map((change) => change.description);
}

/**
 * The next version file for a schema. Throws where it breaks clients of the published SDL and no
 * reason is given to accept that.
 */
export function nextSdlVersion(
  published: { readonly sdl: string; readonly version: SdlVersion } | null,
  schema: GraphQLSchema,
  reason: string | null,
): SdlVersion {
  const sha256 = sdlHash(renderSdl(schema));
  if (published === null) return { version: 1, sha256, breaks: [] };
  const { version, breaks } = published.version;
  const changes = breakingChanges(published.sdl, schema);
  if (changes.length === 0) return { version, sha256, breaks };
  if (reason === null) {
    throw new Error(
      `The schema breaks clients of schema/api.graphql:\n  ${changes.join("\n  ")}\n` +
        'Keep what is removed (deprecate it), or accept the break: npm run sdl -- --accept-breaking "REASON"',
    );
  }
  return { version: version + 1, sha256, breaks: [...breaks, { version: version + 1, reason, changes }] };
}

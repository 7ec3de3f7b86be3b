import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { packageRoot } from "./package-root.ts";
import { describeApiSchema } from "./schema.ts";
import { nextSdlVersion, renderSdl, type SdlVersion } from "./sdl.ts";

// `node dist/api/server/write-sdl.js [--accept-breaking REASON]`: writes schema/api.graphql and its version.
const sdlFile = join(packageRoot(), "schema/api.graphql");
const versionFile = join(packageRoot(), "schema/api.version.json");
const [option, reason] = process.argv.slice(2);
if (option !== undefined && (option !== "--accept-breaking" || !reason)) {
  process.stderr.write('usage: npm run sdl [-- --accept-breaking "REASON"]\n');
  process.exit(2);
}

const published = existsSync(sdlFile)
  ? {
      sdl: readFileSync(sdlFile, "utf8"),
      version: JSON.parse(readFileSync(versionFile, "utf8")) as SdlVersion,
    }
  : null;
try {
  const schema = describeApiSchema();
  const version = nextSdlVersion(published, schema, reason ?? null);
  // The SDL first: a crash between leaves a hash that does not fit, which the tests report.
  writeFileSync(sdlFile, renderSdl(schema));
  writeFileSync(versionFile, `${JSON.stringify(version, null, 2)}\n`);
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exit(1);
}

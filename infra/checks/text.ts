import { type SourceFile, type Violation, violationAt } from "./source-file.ts";

const LINES_MAX = 500;
/** Written by a program, so nobody reads them from top to bottom. */
const GENERATED = /\/generated\/|^schema\/api\.graphql$|^package-lock\.json$/;
const SOURCE = /\.(ts|mjs|js|py|sql|sh|css|html)$/;

export function lengthViolations(file: SourceFile): Violation[] {
  if (!SOURCE.test(file.path) || GENERATED.test(file.path)) return [];
  const lines = file.text.split("\n").length - 1;
  return lines > LINES_MAX ? [`${file.path}: ${lines} lines, split it before ${LINES_MAX}`] : [];
}

const SUPPRESSION = /(?:\/\/|\/\*)\s*@ts-(?:ignore|nocheck|expect-error)\b/g;

/** Comments that switch the type checker off. */
export function suppressionViolations(file: SourceFile): Violation[] {
  if (!/\.ts$/.test(file.path)) return [];
  return matches(file, SUPPRESSION, (found) => `${found.trim()}: say the type instead`);
}

/** Folders in which somebody's checkout lies, so never ones of the product. */
const PERSONAL_FOLDER = /(?<![\w.~}:-])\/(?:home|Users|root|work|workspaces?|mnt)\/[\w.-]+/g;
const HIDDEN_OUTSIDE = /(?<![\w./])(?:\.\.\/)+\.[a-z]\w*/g;
const REGISTRY =
  /https?:\/\/[^\s/"'`]*\b(?:registry|npmjs|pypi|pythonhosted|nexus|artifactory|verdaccio|mirror|proxy)\b[^\s/"'`]*/gi;

/** What holds on one machine only: a folder of a person, a hidden folder beside the checkout, a registry. */
export function machineViolations(file: SourceFile): Violation[] {
  return [
    ...matches(file, PERSONAL_FOLDER, (found) => `names ${found}, a folder of one machine`),
    ...matches(file, HIDDEN_OUTSIDE, (found) => `names ${found}, hidden outside of the repository`),
    ...matches(file, REGISTRY, (found) => `names ${found}: registries are configured, not committed`),
  ];
}

function matches(file: SourceFile, pattern: RegExp, say: (found: string) => string): Violation[] {
  return [...file.text.matchAll(pattern)].map((match) => violationAt(file, match.index, say(match[0])));
}

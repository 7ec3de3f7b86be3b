import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { environmentName, settings } from "../config/index.ts";
import { repositoryRoot } from "./source-file.ts";

const known = new Set(Object.keys(settings).map(environmentName));

/** Variables that a text names and no setting has. */
function unknownVariables(text: string): string[] {
  return [...new Set(text.match(/\bMILLRACE_[A-Z0-9_]+/g) ?? [])].filter((name) => !known.has(name));
}

describe("what is deployed names only settings that exist:", () => {
  test.each(["docker-compose.yml", "infra/images/Dockerfile", ".env.example"])("%s", (path) => {
    const text = readFileSync(join(repositoryRoot, path), "utf8");
    expect(text).toContain("MILLRACE_");
    expect(unknownVariables(text)).toEqual([]);
  });

  test("and a planted one is caught", () => {
    expect(unknownVariables("MILLRACE_PORT: 4000\nMILLRACE_PROT: 4000")).toEqual(["MILLRACE_PROT"]);
  });
});

test("the image's Node is the pinned one", () => {
  const dockerfile = readFileSync(join(repositoryRoot, "infra/images/Dockerfile"), "utf8");
  const { dependencies } = JSON.parse(readFileSync(join(repositoryRoot, "package.json"), "utf8"));
  const versions = [...dockerfile.matchAll(/^FROM node:([\d.]+)-/gm)].map((match) => match[1]);
  expect(new Set(versions)).toEqual(new Set([dependencies.node]));
});

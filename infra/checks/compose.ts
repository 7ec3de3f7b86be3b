import type { Violation } from "./source-file.ts";

/** A service of a compose file: its lines, with what it merges from anchors in place. */
export interface ComposeService {
  readonly name: string;
  readonly text: string;
}

/**
 * The services of a compose file in the form in which ours are written: two spaces a level, anchors at
 * the top level. `docker compose config` says whether it is valid; this only takes it apart.
 */
export function composeServices(text: string): ComposeService[] {
  const blocks = [...text.matchAll(/^(\S[^:\n]*):(.*)\n((?:(?:[ ].*|#.*)?\n)*)/gm)];
  const anchors = new Map(
    blocks.flatMap(([, , head, body]) => {
      const anchor = /&([\w-]+)/.exec(head)?.[1];
      return anchor === undefined ? [] : [[anchor, body] as const];
    }),
  );
  const services = blocks.find(([, name]) => name === "services")?.[3] ?? "";
  return [...services.matchAll(/^ {2}([\w-]+):(.*)\n((?:(?: {3,}.*| *#.*)?\n)*)/gm)].map(
    ([, name, head, body]) => ({
      name,
      text: merged(`${head}\n${body}`, anchors),
    }),
  );
}

/** Where a line names anchors, their lines stand in its place. */
function merged(text: string, anchors: ReadonlyMap<string, string>): string {
  return text.replaceAll(/^[^#\n]*[ []\*[\w-]+.*$/gm, (line) => {
    const names = [...line.matchAll(/\*([\w-]+)/g)].map(([, name]) => name);
    return names.map((name) => merged(anchors.get(name) ?? "", anchors)).join("");
  });
}

/** A version in it that does not move. */
const PINNED = /^\s*image: \S+:\S*\d+\.?\S*$/m;
const SECRET = /^\s*(\w*(?:PASSWORD|SECRET|TOKEN|ACCESS_KEY|ACCESS__KEY)\w*): (.*)$/gm;

/** What a service lacks to be run by others. */
export function composeViolations({ name, text }: ComposeService): Violation[] {
  const problems: string[] = [];
  const lacks = (pattern: RegExp, problem: string): void => {
    if (!pattern.test(text)) problems.push(problem);
  };
  lacks(PINNED, "has no image with a fixed version");
  lacks(/limits: \{ cpus: .+, memory: .+ \}/, "has no limits of cpus and memory");
  lacks(/cap_drop: \[ALL\]/, "keeps its capabilities");
  lacks(/no-new-privileges:true/, "may gain privileges");
  const isJob = /restart: "no"/.test(text);
  if (isJob) lacks(/healthcheck: \{ disable: true \}/, "is a job with a health check");
  else {
    lacks(/healthcheck:\n(\s+#.*\n)*\s+test:\s/, "has no health check");
    lacks(/restart: unless-stopped/, "does not start again");
  }
  for (const [port] of (/^\s*ports: (.*)$/m.exec(text)?.[1] ?? "").matchAll(/[\d.:]+/g)) {
    if (!port.startsWith("127.0.0.1:")) problems.push(`opens ${port} to other machines`);
  }
  for (const [, variable, value] of text.matchAll(SECRET)) {
    // Asked for, or empty where nobody gives one.
    if (!/^\$\{[A-Z_]+:(?:\?.+|-)\}$/.test(value))
      problems.push(`has a value for ${variable} instead of asking for it`);
  }
  return problems.map((problem) => `${name} ${problem}`);
}

/** Names of the services that each service waits for. */
export function composeDependencies({ text }: ComposeService): string[] {
  return [...text.matchAll(/^\s*([\w-]+): \{ condition: service_\w+ \}$/gm)].map(([, name]) => name);
}

// Types alone: the API's decorators are nothing that worker threads, which load settings, could run.
import type { ApiKey, Role } from "../../api/index.ts";

const ROLES: Readonly<Record<Role, Role>> = {
  viewer: "viewer",
  page: "page",
  producer: "producer",
  operator: "operator",
};
const KEY_CHARS_MIN = 16;
const NAME_CHARS_MAX = 64;

/** The keys of the setting `apiKeys`; problems show no key. */
export function readApiKeys(text: string): {
  readonly keys: readonly ApiKey[];
  readonly problems: readonly string[];
} {
  const entries = text.split(/[,\n]/).map((entry) => entry.trim());
  const keys: ApiKey[] = [];
  const problems: string[] = [];
  for (const [i, entry] of entries.filter((one) => one !== "").entries()) {
    const [name, role, ...rest] = entry.split(":");
    const key = rest.join(":");
    const problem = problemOf(name, role, key);
    if (problem === null) keys.push({ name, role: role as Role, key });
    else problems.push(`apiKeys: entry ${i + 1} ${problem}`);
  }
  if (new Set(keys.map(({ key }) => key)).size < keys.length) problems.push("apiKeys: two keys are the same");
  return { keys, problems };
}

function problemOf(name: string, role: string | undefined, key: string): string | null {
  if (name === "" || name.length > NAME_CHARS_MAX)
    return `must begin with a name of at most ${NAME_CHARS_MAX}`;
  if (role === undefined || !Object.hasOwn(ROLES, role))
    return `must have one of the roles ${Object.keys(ROLES).join(", ")} behind the name`;
  return key.length >= KEY_CHARS_MIN && !/\s/.test(key)
    ? null
    : `must end with a key of at least ${KEY_CHARS_MIN} characters, without spaces`;
}

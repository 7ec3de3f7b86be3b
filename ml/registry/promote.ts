import { MillraceError } from "../../schema/index.ts";
import type { ServedPlugin } from "../plugin.ts";
import { type AliasChange, championsBefore } from "./alias-log.ts";
import { loadChampion, loadVersion, toProblem } from "./load-champion.ts";
import type { ModelRegistry } from "./model-registry.ts";
import { type GateResult, promotionGate } from "./promotion-gate.ts";

type AnyServedPlugin = ServedPlugin<{ readonly modelVersion: string }>;

/** Who changes an alias, when and why: for the audit. */
export interface ChangeAuthor {
  readonly by: string;
  readonly reason: string;
  /** ms since the epoch. */
  readonly at: number;
}

export interface PromoteOptions extends ChangeAuthor {
  /** Past a gate that says no; the audit keeps what it said. */
  readonly force: boolean;
}

/**
 * Makes a version champion, past the gate. What it takes over from is what the change was decided on:
 * a champion that another promotes meanwhile is measured against again. Rejects with code
 * `promotion-refused`, and changes nothing, where the gate says no; as the store does where the champion
 * cannot be read at this moment; `model-missing` or `model-corrupt` where card or weights are not there as published, `model-incompatible` where this
 * build cannot load them: no force gets past those.
 */
export async function promoteModel(
  registry: ModelRegistry,
  plugin: AnyServedPlugin,
  version: string,
  { by, reason, at, force }: PromoteOptions,
): Promise<AliasChange> {
  const { card } = await loadVersion(registry, plugin, version);
  const change = await registry.aliasLog(plugin.name).append(at, async ({ champion }) => {
    if (champion === version) throw alreadyChampion(plugin.name, version);
    // What scores now, which is not the champion that is named where that is unusable.
    const { scorer, problem } = await loadChampion(registry, plugin);
    // What stands in for a champion that cannot be read just now is not what the gate is about.
    if (problem?.retry === true) throw problem;
    const gate = promotionGate(plugin, card, scorer.modelVersion);
    if (!gate.passed && !force) throw refused(plugin.name, version, gate);
    return { action: "promote", alias: "champion", to: version, by, reason, forced: !gate.passed, gate };
  });
  return change as AliasChange;
}

/** Makes a version challenger, which scores in shadow; null where it is champion already. Rejects as a promotion does. */
export async function challengeWith(
  registry: ModelRegistry,
  plugin: AnyServedPlugin,
  version: string,
  { by, reason, at }: ChangeAuthor,
): Promise<AliasChange | null> {
  await loadVersion(registry, plugin, version);
  return registry.aliasLog(plugin.name).append(at, ({ champion }) => {
    if (champion === version) return null;
    return { action: "challenge", alias: "challenger", to: version, by, reason, forced: false, gate: null };
  });
}

/**
 * Takes the champion back to the one before it; the built-in model is before the first. One that cannot
 * be used any more is passed over, and the change's reason names it. The version that it takes back stays
 * in the registry. Rejects with code `nothing-to-roll-back` where nothing was promoted that is not rolled
 * back already, and as the store does where a version cannot be read at this moment.
 */
export async function rollBackModel(
  registry: ModelRegistry,
  plugin: AnyServedPlugin,
  { by, reason, at }: ChangeAuthor,
): Promise<AliasChange> {
  const log = registry.aliasLog(plugin.name);
  const change = await log.append(at, async () => {
    const before = championsBefore(await log.readableChanges());
    if (before.length === 0) {
      throw new MillraceError(`${plugin.name} has no champion to roll back: nothing was promoted before it`, {
        code: "nothing-to-roll-back",
        origin: "user",
      });
    }
    const { to, passedOver } = await newestUsable(registry, plugin, before);
    const told = passedOver.length === 0 ? "" : `; passed over what cannot be used: ${passedOver.join("; ")}`;
    return {
      action: "rollback",
      alias: "champion",
      to,
      by,
      reason: `${reason}${told}`,
      forced: false,
      gate: null,
    };
  });
  return change as AliasChange;
}

/** The first that can be loaded; the built-in model behind the last always can. */
async function newestUsable(
  registry: ModelRegistry,
  plugin: AnyServedPlugin,
  versions: readonly (string | null)[],
): Promise<{ readonly to: string | null; readonly passedOver: readonly string[] }> {
  const passedOver: string[] = [];
  for (const to of versions) {
    if (to === null) break;
    try {
      await loadVersion(registry, plugin, to);
      return { to, passedOver };
    } catch (error) {
      const problem = toProblem(plugin.name, error);
      if (problem.retry) throw problem;
      passedOver.push(problem.message);
    }
  }
  return { to: null, passedOver };
}

function alreadyChampion(plugin: string, version: string): MillraceError {
  return new MillraceError(`model ${version} of ${plugin} is champion already`, {
    code: "promotion-refused",
    origin: "user",
  });
}

function refused(plugin: string, version: string, { checks }: GateResult): MillraceError {
  const failed = checks.filter(({ passed }) => !passed).map(({ name, detail }) => `${name} (${detail})`);
  return new MillraceError(
    `model ${version} of ${plugin} is not promoted: ${failed.join("; ")}. millrace models promote ${plugin} ${version} --force promotes it all the same.`,
    { code: "promotion-refused", origin: "user" },
  );
}

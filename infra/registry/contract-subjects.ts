import {
  avroSchemaOf,
  compatibilityProblems,
  type EventContract,
  MillraceError,
} from "../../schema/index.ts";
import type { SchemaRegistry } from "./schema-registry.ts";

/** Every registered version must be readable with every later one. */
export const COMPATIBILITY = "BACKWARD_TRANSITIVE";

/** A version of a contract and the subject that holds it. */
export interface RegisteredContract {
  readonly subject: string;
  readonly contract: string;
  readonly version: number;
  /** Schema id, or null where it is not registered. */
  readonly id: number | null;
  /** False where the registry had it before. */
  readonly isNew: boolean;
  /** Why it is not as it should be, or null. */
  readonly problem: string | null;
}

/** The subject of a topic's values, as Confluent's serializers name it. */
export function subjectOf(contract: EventContract, topicPrefix: string): string {
  return `${topicPrefix}${contract.topic}-value`;
}

/**
 * Registers every version that is missing, oldest first, and sets the compatibility of the subjects.
 * What the registry refuses as incompatible is reported; later versions of it are then left out.
 * A crash leaves the versions before it; a repeat does the rest.
 */
export async function registerContracts(
  registry: SchemaRegistry,
  versions: readonly EventContract[],
  topicPrefix: string,
): Promise<RegisteredContract[]> {
  const results: RegisteredContract[] = [];
  for (const contract of inOrder(versions)) {
    const subject = subjectOf(contract, topicPrefix);
    if (results.some((result) => result.subject === subject && result.problem !== null)) continue;
    const found = await registry.find(subject, avroSchemaOf(contract));
    const isNew = found === null;
    try {
      // A registry may only take the level of a subject that exists: then it is set behind the first version.
      let isSet = (await registry.compatibility(subject)) === COMPATIBILITY;
      if (!isSet) isSet = await registry.setCompatibility(subject, COMPATIBILITY);
      const id = found ?? (await registry.register(subject, avroSchemaOf(contract)));
      if (!isSet) await registry.setCompatibility(subject, COMPATIBILITY);
      results.push(result(contract, subject, { id, isNew, problem: null }));
    } catch (error) {
      if (!(error instanceof MillraceError) || error.code !== "schema-incompatible") throw error;
      const problem = `refused as incompatible: ${[...earlierProblems(contract, versions), error.message].join("; ")}`;
      results.push(result(contract, subject, { id: null, isNew: false, problem }));
    }
  }
  return results;
}

/** Compares the registry with the contracts and changes nothing. */
export async function checkContracts(
  registry: SchemaRegistry,
  versions: readonly EventContract[],
  topicPrefix: string,
): Promise<RegisteredContract[]> {
  const results: RegisteredContract[] = [];
  for (const contract of inOrder(versions)) {
    const subject = subjectOf(contract, topicPrefix);
    const id = await registry.find(subject, avroSchemaOf(contract));
    const level = id === null ? null : await registry.compatibility(subject);
    const problem =
      id === null
        ? "not registered: run millrace schemas register"
        : level === COMPATIBILITY
          ? null
          : `compatibility is ${level ?? "the registry's own"}, not ${COMPATIBILITY}: run millrace schemas register`;
    results.push(result(contract, subject, { id, isNew: false, problem }));
  }
  return results;
}

function inOrder(versions: readonly EventContract[]): EventContract[] {
  return [...versions].sort((a, b) => a.version - b.version);
}

function earlierProblems(contract: EventContract, versions: readonly EventContract[]): string[] {
  return versions
    .filter(({ name, version }) => name === contract.name && version < contract.version)
    .flatMap((earlier) => compatibilityProblems(earlier, contract));
}

function result(
  { name, version }: EventContract,
  subject: string,
  rest: Pick<RegisteredContract, "id" | "isNew" | "problem">,
): RegisteredContract {
  return { subject, contract: name, version, ...rest };
}

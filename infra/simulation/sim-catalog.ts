import {
  applyUpdates,
  type Catalog,
  commitConflict,
  currentSnapshot,
  failedRequirement,
  type LoadedTable,
  type TableCommit,
  type TableMetadata,
} from "../../lakehouse/index.ts";
import { MillraceError } from "../../schema/index.ts";
import { Link, type Network } from "./link.ts";
import type { SimulatedProcess } from "./process.ts";

/** The tables that survive every process. */
export class StoredTables {
  readonly byName = new Map<string, LoadedTable>();
  private versions = 0;

  commit(table: string, commit: TableCommit, nowMs: number): LoadedTable {
    const base = this.byName.get(table)?.metadata ?? null;
    if (base === null && !commit.requirements.some(({ type }) => type === "assert-create")) {
      throw new MillraceError(`there is no table ${table}`, { code: "table-not-found", origin: "user" });
    }
    const failure = failedRequirement(base, commit.requirements);
    if (failure !== null) throw commitConflict(table, failure);
    return this.replace(table, applyUpdates(base, commit.updates, nowMs));
  }

  list(namespace: string): string[] {
    return [...this.byName.keys()].filter((name) => name.startsWith(`${namespace}.`)).sort();
  }

  private replace(table: string, metadata: TableMetadata): LoadedTable {
    const loaded = { metadata, metadataLocation: `${metadata.location}/metadata/${++this.versions}.json` };
    this.byName.set(table, loaded);
    return loaded;
  }
}

/** One process's way to the catalog. */
export class SimCatalog implements Catalog {
  private readonly stored: StoredTables;
  private readonly network: Network;
  private readonly process: SimulatedProcess;
  private readonly link: Link;

  constructor(stored: StoredTables, network: Network, process: SimulatedProcess) {
    this.stored = stored;
    this.network = network;
    this.process = process;
    this.link = new Link(network, process, "catalog", "unordered");
  }

  load(table: string): Promise<LoadedTable | null> {
    return this.request(`load ${table}`, () => this.stored.byName.get(table) ?? null);
  }

  commit(table: string, commit: TableCommit): Promise<LoadedTable> {
    const actions = commit.updates.map(({ action }) => action).join(" ");
    return this.request(`commit ${table} ${actions}`, () => {
      this.maybeRival(table);
      return this.stored.commit(table, commit, this.process.clock());
    });
  }

  list(namespace: string): Promise<readonly string[]> {
    return this.request(`list ${namespace}`, () => this.stored.list(namespace));
  }

  /** A commit whose answer is lost is unknown to its sender, and so is one that was sent twice. */
  private request<T>(name: string, apply: () => T): Promise<T> {
    const unknown = (): MillraceError =>
      new MillraceError(`the catalog did not answer: ${name}`, {
        code: "commit-unknown",
        origin: "external",
        retry: true,
      });
    return this.link.request({ name, apply, lost: unknown, repeated: unknown });
  }

  /** Maintenance of another engine, which changes no row: a snapshot of the same files comes first. */
  private maybeRival(table: string): void {
    const { scheduler, faults, trace } = this.network;
    const metadata = this.stored.byName.get(table)?.metadata;
    const head = metadata === undefined ? null : currentSnapshot(metadata);
    if (metadata === undefined || head === null || !scheduler.random.chance(faults.rivalShare)) return;
    const id = 1 + scheduler.random.word() * 2 ** 20 + scheduler.random.below(2 ** 20);
    const snapshot = {
      ...head,
      "snapshot-id": id,
      "parent-snapshot-id": head["snapshot-id"],
      "sequence-number": metadata["last-sequence-number"] + 1,
      summary: { ...head.summary, operation: "replace" },
    };
    const commit: TableCommit = {
      requirements: [],
      updates: [
        { action: "add-snapshot", snapshot },
        { action: "set-snapshot-ref", "ref-name": "main", type: "branch", "snapshot-id": id },
      ],
    };
    this.stored.commit(table, commit, scheduler.nowMs);
    trace.note(scheduler.nowMs, `rival commits ${table}`);
  }
}

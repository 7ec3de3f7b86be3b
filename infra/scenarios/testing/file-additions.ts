import { execFile } from "node:child_process";
import { promisify } from "node:util";
import type { Config } from "../../config/index.ts";
import { ensurePython } from "../../tools/test-tools.ts";

export interface FileAdditions {
  readonly snapshots: number;
  readonly files: number;
  /** Files that more than one snapshot, or one snapshot twice, names as added. */
  readonly addedTwice: readonly string[];
  /** Tables of which a snapshot is not kept any more: nothing can be said about it. */
  readonly expired: readonly string[];
}

/**
 * A manifest carries `added_snapshot_id`; its entries with status ADDED are what that snapshot added.
 * Later snapshots list the manifest again, or rewrite its entries as EXISTING.
 */
const PROGRAM = `
import collections, glob, json, os, sys
from pyiceberg.catalog import load_catalog
from pyiceberg.table import StaticTable
from pyiceberg.manifest import ManifestEntryStatus
def tables_of_home(home):
    for folder in glob.glob(os.path.join(home, "lake", "*", "*")):
        hint = open(os.path.join(folder, "metadata", "version-hint.text")).read().strip()
        name = next(f for f in (f"v{hint}.metadata.json", f"{hint}.metadata.json", hint) if os.path.exists(os.path.join(folder, "metadata", f)))
        yield folder, StaticTable.from_metadata(os.path.join(folder, "metadata", name))
def tables_of_catalog(properties):
    catalog = load_catalog("lake", **properties)
    for namespace in ("bronze", "silver", "gold"):
        for name in catalog.list_tables(namespace): yield ".".join(name), catalog.load_table(name)
lake = json.loads(sys.stdin.read())
snapshots = files = 0
twice, expired = [], []
for place, table in tables_of_home(lake["home"]) if "home" in lake else tables_of_catalog(lake):
    kept = table.metadata.snapshots
    if kept and kept[0].parent_snapshot_id is not None: expired.append(place)
    manifests = {}
    for snapshot in kept:
        for manifest in snapshot.manifests(table.io): manifests[manifest.manifest_path] = manifest
    added = collections.Counter()
    for manifest in manifests.values():
        for entry in manifest.fetch_manifest_entry(table.io, discard_deleted=False):
            if entry.status == ManifestEntryStatus.ADDED: added[entry.data_file.file_path] += 1
    snapshots += len(kept)
    files += len(added)
    twice += [path for path, times in added.items() if times > 1]
print(json.dumps({"snapshots": snapshots, "files": files, "addedTwice": twice, "expired": expired}))
`;

/** What every snapshot of every table of a platform has added, read by PyIceberg. */
export async function fileAdditions(config: Config): Promise<FileAdditions> {
  const run = promisify(execFile)(await ensurePython(), ["-c", PROGRAM]);
  // Not as an argument, which every process may read.
  run.child.stdin?.end(
    JSON.stringify(config.mode === "embedded" ? { home: config.home } : catalogOf(config)),
  );
  return JSON.parse((await run).stdout) as FileAdditions;
}

function catalogOf(config: Config): Readonly<Record<string, string>> {
  return {
    type: "rest",
    uri: config.catalogUri,
    "s3.endpoint": config.s3Endpoint,
    "s3.region": config.s3Region,
    "s3.access-key-id": config.s3AccessKeyId,
    "s3.secret-access-key": config.s3SecretAccessKey,
  };
}

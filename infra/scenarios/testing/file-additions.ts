import { execFile } from "node:child_process";
import { promisify } from "node:util";
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
from pyiceberg.table import StaticTable
from pyiceberg.manifest import ManifestEntryStatus
snapshots = files = 0
twice, expired = [], []
for folder in glob.glob(os.path.join(sys.argv[1], "lake", "*", "*")):
    hint = open(os.path.join(folder, "metadata", "version-hint.text")).read().strip()
    name = next(f for f in (f"v{hint}.metadata.json", f"{hint}.metadata.json", hint) if os.path.exists(os.path.join(folder, "metadata", f)))
    table = StaticTable.from_metadata(os.path.join(folder, "metadata", name))
    kept = table.metadata.snapshots
    if kept and kept[0].parent_snapshot_id is not None: expired.append(folder)
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

/** What every snapshot of every table under the home has added, read by PyIceberg. */
export async function fileAdditions(home: string): Promise<FileAdditions> {
  const { stdout } = await promisify(execFile)(await ensurePython(), ["-c", PROGRAM, home]);
  return JSON.parse(stdout) as FileAdditions;
}

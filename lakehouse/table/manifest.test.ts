import { writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { avroType, decodeAvroFile, encodeAvroFile } from "./avro-file.ts";
import {
  type DataFile,
  dayOf,
  dayPartition,
  decodeManifest,
  decodeManifestList,
  describeManifest,
  EntryStatus,
  encodeManifest,
  encodeManifestList,
  type ManifestEntry,
} from "./manifest.ts";
import { icebergPartitionSpec, icebergSchema } from "./schema.ts";
import { probeTable, runPython } from "./testing/test-lake.ts";

const schema = icebergSchema(probeTable);
const spec = icebergPartitionSpec(probeTable);

const file: DataFile = {
  content: 0,
  file_path: "/lake/a.parquet",
  file_format: "PARQUET",
  partition: dayPartition(20_000),
  record_count: 2n ** 60n + 1n,
  file_size_in_bytes: 12n,
  column_sizes: [{ key: 1, value: 5n }],
  value_counts: [{ key: 1, value: 7n }],
  null_value_counts: [],
  nan_value_counts: null,
  lower_bounds: [{ key: 1, value: Buffer.from([1, 0]) }],
  upper_bounds: null,
  key_metadata: null,
  split_offsets: [4n, 2n ** 40n],
  equality_ids: null,
  sort_order_id: 0,
};

const entry: ManifestEntry = {
  status: EntryStatus.added,
  snapshot_id: null,
  sequence_number: null,
  file_sequence_number: null,
  data_file: file,
};

const place = { path: "/lake/m.avro", bytes: 100, specId: 0 };

const FASTAVRO = `
import sys, json, fastavro
def plain(v):
    if isinstance(v, bytes): return v.hex()
    if isinstance(v, dict): return {k: plain(x) for k, x in v.items()}
    if isinstance(v, list): return [plain(x) for x in v]
    return v if isinstance(v, (int, str, bool, type(None))) else str(v)
def ids(node, out):
    if isinstance(node, list):
        for x in node: ids(x, out)
    if isinstance(node, dict):
        if "field-id" in node: out.append(node["field-id"])
        if "element-id" in node: out.append(node["element-id"])
        for x in node.values(): ids(x, out)
    return out
with open(sys.argv[1], "rb") as f:
    r = fastavro.reader(f)
    rows = [plain(x) for x in r]
    meta = {k: v for k, v in r.metadata.items()}
    print(json.dumps({"rows": [json.dumps(x) for x in rows], "ids": sorted(ids(json.loads(meta["avro.schema"]), [])),
      "header": {k: v for k, v in meta.items() if not k.startswith("avro.")}}))
`;

interface FastavroReport {
  readonly rows: readonly string[];
  readonly ids: readonly number[];
  readonly header: Readonly<Record<string, string>>;
}

async function readByFastavro(name: string, bytes: Buffer): Promise<FastavroReport> {
  const path = join(tmpdir(), `millrace-${process.pid}-${name}`);
  await writeFile(path, bytes);
  return (await runPython(FASTAVRO, path)) as FastavroReport;
}

describe("manifests", () => {
  it("survive a round trip, with ids and sequence numbers inherited", () => {
    const manifest = describeManifest([entry], place, 77, 5);
    const [read] = decodeManifest(encodeManifest([entry], schema, spec), manifest);
    expect(read).toEqual({ ...entry, snapshot_id: 77n, sequence_number: 5n, file_sequence_number: 5n });
    expect(dayOf(read.data_file)).toBe(20_000);
  });

  it("say what the specification asks for, by fastavro", async () => {
    const report = await readByFastavro("manifest.avro", encodeManifest([entry], schema, spec));
    expect(report.header).toMatchObject({
      content: "data",
      "format-version": "2",
      "partition-spec-id": "0",
      "schema-id": "0",
    });
    expect(JSON.parse(report.header["partition-spec"])).toEqual(spec.fields);
    expect(JSON.parse(report.header.schema)).toEqual(schema);
    expect(report.ids).toEqual([
      0, 1, 2, 3, 4, 100, 101, 102, 103, 104, 108, 109, 110, 117, 118, 119, 120, 121, 122, 125, 126, 127, 128,
      129, 130, 131, 132, 133, 134, 135, 136, 137, 138, 139, 140, 1000,
    ]);
    const [row] = report.rows;
    expect(row).toContain('"partition": {"event_time_day": "2024-10-04"}');
    expect(row).toContain('"record_count": 1152921504606846977');
    expect(row).toContain('"lower_bounds": [{"key": 1, "value": "0100"}]');
  });

  it("are listed with counts, rows and day range", async () => {
    const entries = [
      entry,
      {
        ...entry,
        status: EntryStatus.existing,
        sequence_number: 2n,
        data_file: { ...file, record_count: 3n },
      },
      {
        ...entry,
        status: EntryStatus.deleted,
        sequence_number: 1n,
        data_file: { ...file, record_count: 4n },
      },
      { ...entry, data_file: { ...file, record_count: 5n, partition: dayPartition(-1) } },
    ];
    const manifest = describeManifest(entries, place, 77, 9);
    expect(manifest).toMatchObject({
      added_files_count: 2,
      existing_files_count: 1,
      deleted_files_count: 1,
      added_rows_count: 2n ** 60n + 6n,
      existing_rows_count: 3n,
      deleted_rows_count: 4n,
      min_sequence_number: 2n,
    });
    const list = encodeManifestList([manifest], {
      snapshotId: 77,
      parentSnapshotId: null,
      sequenceNumber: 9,
    });
    expect(decodeManifestList(list, "list")).toEqual([manifest]);
    const report = await readByFastavro("list.avro", list);
    expect(report.header).toMatchObject({
      "snapshot-id": "77",
      "sequence-number": "9",
      "format-version": "2",
    });
    expect(report.rows[0]).toContain('"lower_bound": "ffffffff", "upper_bound": "204e0000"');
  });

  it("are read by field id, whatever names another engine gives", () => {
    const other = {
      type: "record",
      name: "manifest_file",
      fields: [
        { name: "path", type: "string", "field-id": 500 },
        { name: "added_data_files_count", type: "int", "field-id": 504 },
        { name: "added_snapshot_id", type: "long", "field-id": 503 },
        { name: "made_up", type: ["null", "string"], default: null, "field-id": 599 },
      ],
    };
    const row = { path: "p", added_data_files_count: 3, added_snapshot_id: 2n ** 62n + 1n, made_up: null };
    const bytes = encodeAvroFile(other, avroType(other), [row], {});
    expect(decodeManifestList(bytes, "list")).toEqual([
      { manifest_path: "p", added_files_count: 3, added_snapshot_id: 2n ** 62n + 1n, made_up: null },
    ]);
  });

  it("are refused as corrupt wherever they are cut", () => {
    const bytes = encodeManifest([entry, entry], schema, spec);
    for (let length = 0; length < bytes.length; length++) {
      const cut = bytes.subarray(0, length);
      try {
        // A cut exactly behind the header is a valid file without rows.
        expect(decodeAvroFile(cut, "m.avro").rows).toEqual([]);
      } catch (error) {
        expect(error).toMatchObject({ code: "lake-file-corrupt" });
      }
    }
  });
});

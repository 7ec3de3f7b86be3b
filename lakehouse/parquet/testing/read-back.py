"""Reads Parquet files with pyarrow and the DuckDB of Python, and holds statistics against the values.

Arguments: files. Prints one JSON document: per file the columns as canonical strings (nulls as
null) by each reader, and what is wrong with the statistics.
"""

import json
import math
import struct
import sys

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq


def canonical(array):
    if pa.types.is_timestamp(array.type):
        assert array.type == pa.timestamp("us", tz="UTC"), array.type
        array = array.cast(pa.int64())
    return [canonical_value(value) for value in array.to_pylist()]


def canonical_value(value):
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return "nan" if math.isnan(value) else struct.pack(">d", value).hex()
    return str(value)


def physical(array):
    if pa.types.is_timestamp(array.type):
        array = array.cast(pa.int64())
    values = [value for value in array.to_pylist() if value is not None]
    return [value.encode() if isinstance(value, str) else value for value in values]


def statistics_problems(file):
    problems = []
    for group in range(file.num_row_groups):
        metadata = file.metadata.row_group(group)
        table = file.read_row_group(group)
        for index in range(metadata.num_columns):
            chunk = metadata.column(index)
            column = table.column(index)
            for problem in chunk_problems(chunk.statistics, column):
                problems.append(f"row group {group}, {chunk.path_in_schema}: {problem}")
    return problems


def chunk_problems(statistics, column):
    values = physical(column)
    if statistics.null_count != column.null_count:
        yield f"null count {statistics.null_count}, not {column.null_count}"
    nan = any(isinstance(value, float) and math.isnan(value) for value in values)
    if not values or nan:
        if statistics.has_min_max:
            yield "bounds without values, or with NaN"
        return
    if not statistics.has_min_max:
        # Only a string that cannot be raised has no upper bound.
        if not (isinstance(values[0], bytes) and max(values).startswith("\U0010ffff".encode() * 16)):
            yield "no bounds"
        return
    low, high = statistics.min_raw, statistics.max_raw
    if isinstance(values[0], bytes):
        yield from string_problems(low, high, min(values), max(values))
    elif low != min(values) or high != max(values):
        yield f"bounds {low} to {high}, not {min(values)} to {max(values)}"


def string_problems(low, high, smallest, largest):
    if low > smallest or high < largest:
        yield f"bounds {low} to {high} do not cover {smallest} to {largest}"
    if len(smallest.decode()) <= 16 and low != smallest:
        yield f"lower bound {low}, not {smallest}"
    if len(largest.decode()) <= 16 and high != largest:
        yield f"upper bound {high}, not {largest}"
    if len(low.decode()) > 16 or len(high.decode()) > 16:
        yield "bounds of more than 16 code points"


def duckdb_columns(connection, path, schema):
    expressions = []
    for field in schema:
        name = f'"{field.name}"'
        if pa.types.is_timestamp(field.type):
            name = f"epoch_us({name})"
        expressions.append(name)
    relation = connection.execute(f"SELECT {', '.join(expressions)} FROM read_parquet(?)", [path])
    rows = relation.fetchall()
    return {
        field.name: [canonical_value(row[index]) for row in rows] for index, field in enumerate(schema)
    }


def read(connection, path):
    file = pq.ParquetFile(path, page_checksum_verification=True)
    table = file.read()
    assert table.num_rows == file.metadata.num_rows
    return {
        "pyarrow": {name: canonical(table.column(name)) for name in table.column_names},
        "duckdb": duckdb_columns(connection, path, table.schema),
        "problems": statistics_problems(file),
        "rowGroups": file.num_row_groups,
        "fieldIds": [int(field.metadata[b"PARQUET:field_id"]) for field in file.schema_arrow],
        "nullable": [field.nullable for field in file.schema_arrow],
        "encodings": {
            file.schema.names[index]: sorted(
                {
                    encoding
                    for group in range(file.num_row_groups)
                    for encoding in file.metadata.row_group(group).column(index).encodings
                }
            )
            for index in range(len(file.schema.names))
        },
        "createdBy": file.metadata.created_by,
    }


connection = duckdb.connect()
connection.execute("SET threads = 1")
json.dump([read(connection, path) for path in sys.argv[1:]], sys.stdout)

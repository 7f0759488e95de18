"""Writes the tables of Arrow and Parquet that the tests read, with pyarrow 26.0.1:

    python arrow.py FOLDER
"""
import datetime
import decimal
import sys

import pyarrow as pa
import pyarrow.feather as feather
import pyarrow.parquet as parquet

folder = sys.argv[1]
n = 6
start = datetime.datetime(2024, 2, 29, 12, 0, 0, 250000)
table = pa.table({
    "time": pa.array([start + datetime.timedelta(minutes=i) for i in range(n)], pa.timestamp("us")),
    "day": pa.array([start.date()] * n, pa.date32()),
    "who": pa.array(["anna", "anna", "anna", "otto", "otto", "otto"]).dictionary_encode(),
    "x": pa.array([0.1, 1.5, None, 3.25, -4, 5], pa.float32()),
    "big": pa.array([2**53 + 1, 2, 3, 4, 5, 2**64 - 1], pa.uint64()),
    "small": pa.array([1, -2, 3, -4, 5, -6], pa.int8()),
    "half": pa.array([0.5, 1, 1.5, 2, 2.5, 3], pa.float16()),
    "price": pa.array([decimal.Decimal(f"{i}.05") for i in range(n)], pa.decimal128(9, 2)),
    "note": pa.array(["a", None, "ü,", "", "e", "f"], pa.large_string()),
    "on": pa.array([True, False, None, True, False, True]),
    "label": pa.array([0, 1, 0, 1, None, 1], pa.int64()),
})


def write(name, new, **options):
    with pa.OSFile(f"{folder}/{name}", "wb") as sink, new(sink, table.schema, options=pa.ipc.IpcWriteOptions(**options)) as writer:
        writer.write_table(table, max_chunksize=4)


write("plain.arrow", pa.ipc.new_file)
write("zstd.arrow", pa.ipc.new_file, compression="zstd")
write("stream.arrows", pa.ipc.new_stream, compression="lz4")
feather.write_feather(table, f"{folder}/lz4.feather", compression="lz4")

# One with what newer programs write, the other as older ones do.
parquet.write_table(table, f"{folder}/pages2.parquet", row_group_size=4, data_page_version="2.0", compression="zstd",
                    use_dictionary=["who"], column_encoding={"on": "RLE", "label": "DELTA_BINARY_PACKED", "half": "BYTE_STREAM_SPLIT", "note": "DELTA_LENGTH_BYTE_ARRAY"})
old = table.append_column("nested", pa.array([[1, 2]] * n)).append_column("pair", pa.array([{"a": 1}] * n))
parquet.write_table(old, f"{folder}/int96.parquet", row_group_size=4, compression="gzip", use_deprecated_int96_timestamps=True, store_schema=False)

# Lengths of time, which Parquet has as whole numbers.
lengths = pa.table({
    "elapsed": pa.array([i * 250_000 for i in range(n)], pa.duration("us")),
    "rr": pa.array([800, 812, None, 790, 805, 811], pa.duration("ms")),
    "label": pa.array([0, 1, 0, 1, 0, 1], pa.int64()),
})
parquet.write_table(lengths, f"{folder}/durations.parquet", compression="none")

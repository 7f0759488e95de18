// Package table reads files of tables as batches of columns, and writes such batches with
// columns behind them.
//
// A file is CSV, TSV, JSON lines, Parquet or Arrow, plain or compressed with gzip or
// zstd, or a recording: WFDB or EDF; a path of "-" is standard input. Columns are text, in formats without types, or numbers,
// booleans, times and text. What they are about is not known here.
package table

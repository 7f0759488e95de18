// Package series reads labelled time series from files, and writes answers behind their
// rows.
//
// A file is CSV, TSV, JSON lines, Parquet or Arrow, plain or compressed with gzip or
// zstd; a path of "-" is standard input. Its columns play four roles: features
// (numbers), a label (a number or a word, or empty for an unlabelled step), the name of the
// series a row belongs to, and its time. [Read] loads whole files as columns;
// [Open] streams one file in chunks that remember each row as it was written,
// and a [Writer] puts the answers behind those rows.
//
// In comments N is the number of rows, F the number of features and C the number of
// classes.
package series

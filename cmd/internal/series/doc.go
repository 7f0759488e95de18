// Package series reads labelled time series from files and lays them out for
// training and prediction.
//
// A file is CSV, TSV, JSON lines or Parquet, plain or compressed with gzip or
// zstd; a path of "-" is standard input. Its columns play four roles: features
// (numbers), a label (yes, no, or empty for an unlabelled step), the name of the
// series a row belongs to, and its time. [Read] loads whole files as columns;
// [Open] streams one file in chunks that remember each row as it was written,
// and a [Writer] puts the answers behind those rows.
//
// Between a file and the engine stand [Split] and [WalkForward] (which rows
// train), [FitScaler] (fitted on those rows only), [Build] (features, labels and
// weights of every step) and [Set.Windows] (where each window starts). In
// comments N is the number of rows and F the number of features.
package series

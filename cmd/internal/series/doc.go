// Package series reads labelled time series from files, and writes answers behind their
// rows.
//
// Package table gives the columns of a file, whatever its format; here they get their roles:
// features (numbers), a label (a number or a word, or empty for an unlabelled step), the name of the
// series a row belongs to, and its time. [Read] loads whole files as columns;
// [Open] streams one file in chunks that remember each row as it was written,
// a [Writer] puts the answers behind those rows, and [Look] says what the columns seem to be for.
//
// In comments N is the number of rows, F the number of features and C the number of
// classes.
package series

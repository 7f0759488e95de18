package main

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/rnnbin/rnnbin/cmd/internal/outfile"
	"github.com/rnnbin/rnnbin/cmd/internal/series"
)

func newData() *cobra.Command {
	output, seed := series.Stdin, int64(0)
	cmd := &cobra.Command{
		Use:   "data NAME",
		Short: "Write a built-in series as CSV",
		Long: `Write a built-in series as CSV, to try things and to see what a file for
training looks like. There are:

  ` + strings.Join(series.Builtins(), "\n  "),
		Example: `  rnnbin data sine | head
  rnnbin data sine | rnnbin train -
  rnnbin data bursts --seed 1 --output new.csv`,
		Args: oneArg("NAME"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return runData(args[0], seed, output, cmd.OutOrStdout())
		},
	}
	addFlag(cmd.Flags(), "seed", &seed, "seed `n` of the noise")
	addFlag(cmd.Flags(), "output", &output, "`file` to write, whole or not at all; - for standard output")
	return cmd
}

func runData(name string, seed int64, output string, out io.Writer) error {
	switch output {
	case "":
		return usageError{errors.New("--output is empty")}
	case series.Stdin:
		return writeData(out, name, seed)
	}
	f, err := outfile.Create(output)
	if err != nil {
		return fmt.Errorf("--output: %w", err)
	}
	defer f.Discard()
	if err := writeData(f, name, seed); err != nil {
		return err
	}
	return f.Commit()
}

// writeData is series.WriteBuiltin, a wrong name being the user's mistake.
func writeData(w io.Writer, name string, seed int64) error {
	err := series.WriteBuiltin(w, name, seed)
	if errors.Is(err, series.ErrNoBuiltin) {
		return usageError{err}
	}
	return err
}

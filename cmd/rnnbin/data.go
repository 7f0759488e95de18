package main

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/rnnbin/rnnbin/cmd/internal/builtin"
	"github.com/rnnbin/rnnbin/cmd/internal/outfile"
	"github.com/rnnbin/rnnbin/cmd/internal/table"
)

func newData() *cobra.Command {
	var force bool
	output, seed := table.Stdin, int64(0)
	cmd := &cobra.Command{
		Use:   "data NAME",
		Short: "Write a built-in series as CSV",
		Long: `Write a built-in series as CSV, to try things and to see what a file for
training looks like. There are:

  ` + strings.Join(builtin.List(), "\n  "),
		Example: `  rnnbin data sine | head
  rnnbin data sine | rnnbin train -
  rnnbin data bursts --seed 1 --out new.csv`,
		Args: oneArg("NAME"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return runData(args[0], seed, output, force, cmd.OutOrStdout())
		},
	}
	addFlag(cmd.Flags(), "seed", &seed, "seed `n` of the noise")
	addFlag(cmd.Flags(), "out", &output, "`file` to write, whole or not at all; - for standard output")
	addFlag(cmd.Flags(), "force", &force, replaceUsage)
	return cmd
}

func runData(name string, seed int64, output string, force bool, out io.Writer) error {
	switch output {
	case "":
		return usageError{errors.New("--out is empty")}
	case table.Stdin:
		return writeData(out, name, seed)
	}
	if err := checkOut("out", output, force); err != nil {
		return err
	}
	f, err := outfile.Create(output)
	if err != nil {
		return fmt.Errorf("--out: %w", err)
	}
	defer f.Discard()
	if err := writeData(f, name, seed); err != nil {
		return err
	}
	return f.Commit()
}

// replaceUsage is the help of --force where it is about files.
const replaceUsage = "replace files that exist"

// checkOut refuses to replace a file, which flag names, without --force.
func checkOut(flag, path string, force bool) error {
	if force || path == table.Stdin || !outfile.Exists(path) {
		return nil
	}
	return hinted{flagf(flag, "%s exists already", path), "--force replaces it"}
}

// writeData is builtin.Write, a wrong name being the user's mistake.
func writeData(w io.Writer, name string, seed int64) error {
	err := builtin.Write(w, name, seed)
	if errors.Is(err, builtin.ErrNone) {
		return usageError{err}
	}
	return err
}

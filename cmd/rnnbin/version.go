package main

import (
	"fmt"
	"io"
	"runtime"
	"runtime/debug"

	tf "github.com/wamuir/graft/tensorflow"

	"github.com/spf13/cobra"
)

// version is set by the linker in a released build.
var version = ""

func newVersion() *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "Print the versions of rnnbin, libtensorflow and Go",
		Args:  noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return printVersions(cmd.OutOrStdout())
		},
	}
}

func printVersions(out io.Writer) error {
	_, err := fmt.Fprintf(out, "rnnbin %s\nlibtensorflow %s\n%s %s/%s\n",
		programVersion(), tf.Version(), runtime.Version(), runtime.GOOS, runtime.GOARCH)
	return err
}

// programVersion is the linked version, or what the Go command has recorded of
// the source.
func programVersion() string {
	if version != "" {
		return version
	}
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" {
		return info.Main.Version
	}
	return "(unknown)"
}

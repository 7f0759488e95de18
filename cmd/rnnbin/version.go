package main

import (
	"fmt"
	"io"
	"runtime"
	"runtime/debug"

	tf "github.com/wamuir/graft/tensorflow"

	"github.com/spf13/cobra"

	"github.com/rnnbin/rnnbin/cmd/internal/observe"
	"github.com/rnnbin/rnnbin/graph"
)

// version is set by the linker in a released build.
var version = ""

func newVersion() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "version",
		Short: "Print the versions of rnnbin, libtensorflow and Go",
		Args:  noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if asJSON {
				return observe.WriteJSON(cmd.OutOrStdout(), "version", newVersions())
			}
			return printVersions(cmd.OutOrStdout())
		},
	}
	addFlag(cmd.Flags(), "json", &asJSON, jsonUsage)
	return cmd
}

// versions are what a report of a fault should name.
type versions struct {
	Program    string   `json:"rnnbin"`
	TensorFlow string   `json:"tensorflow"`
	Go         string   `json:"go"`
	Platform   string   `json:"platform"`
	CPU        []string `json:"cpu"`              // the processor's vector instructions
	Sets       []string `json:"instruction_sets"` // that the fused form can use, the best first
}

func newVersions() versions {
	return versions{programVersion(), tf.Version(), runtime.Version(), runtime.GOOS + "/" + runtime.GOARCH, cpuFeatures(), graph.InstructionSets()}
}

func printVersions(out io.Writer) error {
	v := newVersions()
	_, err := fmt.Fprintf(out, "rnnbin %s\nlibtensorflow %s\n%s %s\n", v.Program, v.TensorFlow, v.Go, v.Platform)
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

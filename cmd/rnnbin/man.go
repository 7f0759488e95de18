package main

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/cobra/doc"
)

// asMarkdown keeps what the help texts have as it is, which man pages are made of as Markdown.
var asMarkdown = strings.NewReplacer("<", `\<`, "*", `\*`)

// newMan is for those who pack the program, hence hidden.
func newMan() *cobra.Command {
	return &cobra.Command{
		Use:    "man DIR",
		Short:  "Write a man page for each command",
		Hidden: true,
		Args:   oneArg("DIR"),
		RunE: func(cmd *cobra.Command, args []string) error {
			for _, c := range everyCommand(cmd.Root()) {
				c.Long = asMarkdown.Replace(c.Long)
			}
			header := &doc.GenManHeader{Section: "1", Source: "rnnbin " + programVersion(), Manual: "rnnbin"}
			if err := doc.GenManTree(cmd.Root(), header, args[0]); err != nil {
				return fmt.Errorf("man pages: %w", err)
			}
			return nil
		},
	}
}

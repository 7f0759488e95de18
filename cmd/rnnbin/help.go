package main

import (
	"embed"
	"fmt"
	"io"
	"path"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// topicFiles are the pages of `rnnbin help TOPIC`. A page's first line is what it is about.
//
//go:embed topics/*.txt
var topicFiles embed.FS

const exitCodes = `Exit codes: 0 done, 1 the run failed, 2 a flag or an argument is wrong,
130 interrupted (Ctrl-C), 143 terminated.`

// flagsTopic is the page that is made of train's flags.
const flagsTopic = "flags"

// newHelp is like the help command that cobra adds, but for pages about more than one
// command, and for what it does about a name that it does not know.
func newHelp() *cobra.Command {
	return &cobra.Command{
		Use:   "help [COMMAND | TOPIC]",
		Short: "Show the help of a command, or a page about a topic",
		Long:  "Show the help of a command, or a page about a topic:\n\n" + topicList(),
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 1 && slices.Contains(topics(), args[0]) {
				return printTopic(cmd, args[0])
			}
			of, rest, err := cmd.Root().Find(args)
			if err != nil {
				return usageError{err}
			}
			if len(rest) > 0 {
				return unknownCommand(of, rest[0])
			}
			return of.Help()
		},
	}
}

// topics are the names of the pages.
func topics() []string {
	names := []string{flagsTopic}
	files, err := topicFiles.ReadDir("topics")
	if err != nil {
		panic(err) // they are part of the program
	}
	for _, f := range files {
		names = append(names, strings.TrimSuffix(f.Name(), path.Ext(f.Name())))
	}
	slices.Sort(names)
	return names
}

// topic is a page: what it is about, and its text.
func topic(name string) (about, text string) {
	if name == flagsTopic {
		return "All flags of train, by what they are for", ""
	}
	page, err := topicFiles.ReadFile("topics/" + name + ".txt")
	if err != nil {
		panic(err) // as above
	}
	about, text, _ = strings.Cut(string(page), "\n")
	return about, text
}

// topicList has a line for each page.
func topicList() string {
	var b strings.Builder
	for _, name := range topics() {
		about, _ := topic(name)
		fmt.Fprintf(&b, "  rnnbin help %-9s %s\n", name, about)
	}
	return strings.TrimRight(b.String(), "\n")
}

func printTopic(cmd *cobra.Command, name string) error {
	out := cmd.OutOrStdout()
	if name != flagsTopic {
		about, text := topic(name)
		_, err := fmt.Fprintf(out, "%s\n%s", about, text)
		return err
	}
	train, _, err := cmd.Root().Find([]string{"train"})
	if err != nil {
		return err
	}
	fmt.Fprint(out, "The flags of rnnbin train.\n")
	for _, g := range groupsOf(train) {
		fmt.Fprintf(out, "\n%s:\n%s", g.title, usages(g.flags, widthOf(out)))
	}
	return nil
}

// Annotations of a flag.
const (
	groupKey = "group" // the title that it stands under in the help
	basicKey = "basic" // it is among those that the help of its command explains
	runKey   = "run"   // the kind of run that it is for
)

// addGroup adds the flags that add adds, under a title of their own in the help.
func addGroup(f *pflag.FlagSet, title string, add func(*pflag.FlagSet)) {
	group := pflag.NewFlagSet(title, pflag.ContinueOnError)
	group.SortFlags = false
	add(group)
	group.VisitAll(func(flag *pflag.Flag) { annotate(flag, groupKey, title) })
	f.SortFlags = false
	f.AddFlagSet(group)
}

// basicFlags has the help of a command explain these flags, and only name the others, which
// `rnnbin help flags` explains.
func basicFlags(f *pflag.FlagSet, names ...string) {
	for _, name := range names {
		annotate(f.Lookup(name), basicKey, "")
	}
}

func annotate(flag *pflag.Flag, key string, values ...string) {
	if flag.Annotations == nil {
		flag.Annotations = map[string][]string{}
	}
	flag.Annotations[key] = values
}

// flagGroup is flags with a title.
type flagGroup struct {
	title string
	flags []*pflag.Flag
}

// groupsOf are the groups of a command's flags, in the order of addGroup; flags that were
// added by themselves come last.
func groupsOf(cmd *cobra.Command) []flagGroup {
	var groups []flagGroup
	last := flagGroup{title: "Other flags"}
	cmd.LocalFlags().VisitAll(func(f *pflag.Flag) {
		title, grouped := f.Annotations[groupKey]
		if !grouped {
			last.flags = append(last.flags, f)
			return
		}
		at := slices.IndexFunc(groups, func(g flagGroup) bool { return g.title == title[0] })
		if at < 0 {
			at, groups = len(groups), append(groups, flagGroup{title: title[0]})
		}
		groups[at].flags = append(groups[at].flags, f)
	})
	if len(groups) == 0 {
		last.title = "Flags"
	}
	if len(last.flags) > 0 {
		groups = append(groups, last)
	}
	return groups
}

// writeFlags explains a command's flags, or those that are basic, if any are.
func writeFlags(w io.Writer, cmd *cobra.Command) {
	width := widthOf(cmd.OutOrStdout())
	var basic []*pflag.Flag
	cmd.LocalFlags().VisitAll(func(f *pflag.Flag) {
		if _, ok := f.Annotations[basicKey]; ok || f.Name == "help" {
			basic = append(basic, f)
		}
	})
	if len(basic) <= 1 {
		for _, g := range groupsOf(cmd) {
			fmt.Fprintf(w, "\n%s:\n%s", g.title, usages(g.flags, width))
		}
		return
	}
	fmt.Fprintf(w, "\nFlags that are often needed:\n%s", usages(basic, width))
	fmt.Fprint(w, "\nAll flags, which `rnnbin help flags` explains:\n")
	for _, g := range groupsOf(cmd) {
		fmt.Fprint(w, indent(g.title+":", namesOf(g.flags), width))
	}
}

// namesOf are flags as they are typed.
func namesOf(flags []*pflag.Flag) []string {
	var names []string
	for _, f := range flags {
		names = append(names, "--"+f.Name)
	}
	return names
}

// indent is a title and words in lines of at most width columns, which stand beside it.
func indent(title string, words []string, width int) string {
	const column = 26
	line := fmt.Sprintf("  %-*s", column-2, title)
	var b strings.Builder
	for _, word := range words {
		if len(line)+1+len(word) > width {
			b.WriteString(line + "\n")
			line = strings.Repeat(" ", column)
		}
		line += " " + word
	}
	return b.String() + line + "\n"
}

// usages explains flags, in lines of at most width columns.
func usages(flags []*pflag.Flag, width int) string {
	all := pflag.NewFlagSet("", pflag.ContinueOnError)
	all.SortFlags = false
	for _, f := range flags {
		shown := *f
		shown.Usage = strings.ReplaceAll(f.Usage, "\n", " ")
		if shown.NoOptDefVal != "true" {
			shown.NoOptDefVal = "" // what a flag means without a value is in its usage
		}
		all.AddFlag(&shown)
	}
	const slop = 5 // by which pflag exceeds a width
	return all.FlagUsagesWrapped(width - slop)
}

// writeUsage is how to call a command: what cobra prints, but for flags in groups.
func writeUsage(cmd *cobra.Command) error {
	w := cmd.OutOrStdout()
	use := cmd.UseLine()
	if cmd.HasAvailableSubCommands() {
		use = cmd.CommandPath() + " COMMAND"
	}
	fmt.Fprintf(w, "Usage:\n  %s\n", use)
	if cmd.HasExample() {
		fmt.Fprintf(w, "\nExamples:\n%s\n", cmd.Example)
	}
	if cmd.HasAvailableSubCommands() {
		fmt.Fprint(w, "\nCommands:\n")
		for _, c := range cmd.Commands() {
			if c.IsAvailableCommand() || c.Name() == "help" {
				fmt.Fprintf(w, "  %-*s %s\n", c.NamePadding(), c.Name(), c.Short)
			}
		}
	}
	if !cmd.HasParent() {
		fmt.Fprintf(w, "\nTopics:\n%s\n", topicList())
	}
	writeFlags(w, cmd)
	if cmd.HasAvailableSubCommands() {
		fmt.Fprintf(w, "\n`%s COMMAND --help` explains a command.\n", cmd.CommandPath())
	}
	return nil
}

package command

import (
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// Page is what a program's man page says beside its commands.
type Page struct {
	Files       [][2]string // a path, and what it is
	Environment [][2]string // a variable, and what it does
	SeeAlso     []string    // such as "crontab (5)"
}

// WriteMan writes a program's man page. cobra's own generator makes a page for each
// command, repeating what they share.
func WriteMan(w io.Writer, root *cobra.Command, page Page) {
	name := root.Name()
	fmt.Fprintf(w, ".TH %s 1 \"\" \"puppet-cron\" \"User Commands\"\n.SH NAME\n%s \\- %s\n", strings.ToUpper(name), name, roff(lowerFirst(root.Short)))
	fmt.Fprintf(w, ".SH SYNOPSIS\n.B %s\n[\\fB\\-\\-config\\fR \\fIfile\\fR] \\fIcommand\\fR [\\fIargument\\fR...]\n", name)
	fmt.Fprintf(w, ".SH DESCRIPTION\n%s\n.SH OPTIONS\n", roff(root.Long))
	root.PersistentFlags().VisitAll(func(f *pflag.Flag) { writeFlag(w, f) })
	fmt.Fprint(w, ".SH COMMANDS\n")
	writeCommands(w, root)
	fmt.Fprint(w, ".SH FILES\n")
	for _, f := range page.Files {
		fmt.Fprintf(w, ".TP\n.I %s\n%s\n", roff(f[0]), roff(f[1]))
	}
	fmt.Fprint(w, ".SH ENVIRONMENT\n")
	for _, e := range page.Environment {
		fmt.Fprintf(w, ".TP\n.B %s\n%s\n", roff(e[0]), roff(e[1]))
	}
	fmt.Fprintf(w, ".SH SEE ALSO\n.BR %s\n", strings.Join(page.SeeAlso, ",\n.BR "))
}

func writeCommands(w io.Writer, parent *cobra.Command) {
	for _, c := range parent.Commands() {
		if !c.IsAvailableCommand() || c.Name() == "help" || c.Name() == "completion" {
			continue
		}
		if c.HasSubCommands() {
			writeCommands(w, c)
			continue
		}
		text := c.Long
		if text == "" {
			text = c.Short + "."
		}
		fmt.Fprintf(w, ".SS %s\n%s\n", roff(strings.TrimSuffix(c.UseLine(), " [flags]")), roff(text))
		c.LocalNonPersistentFlags().VisitAll(func(f *pflag.Flag) { writeFlag(w, f) })
	}
}

func writeFlag(w io.Writer, f *pflag.Flag) {
	if f.Hidden || f.Name == "help" {
		return
	}
	name := "--" + f.Name
	if f.Shorthand != "" {
		name = "-" + f.Shorthand + ", " + name
	}
	value, usage := pflag.UnquoteUsage(f)
	fmt.Fprintf(w, ".TP\n.BR \"%s\" \" \\fI%s\\fR\"\n%s\n", roff(name), value, roff(usage)+".")
}

// roff escapes what troff would take for its own, and makes paragraphs of blank
// lines.
func roff(s string) string {
	s = strings.NewReplacer(`\`, `\e`, "-", `\-`, "\n\n", "\n.PP\n").Replace(s)
	return strings.ReplaceAll("\n"+s, "\n'", "\n\\&'")[1:]
}

func lowerFirst(s string) string { return strings.ToLower(s[:1]) + s[1:] }

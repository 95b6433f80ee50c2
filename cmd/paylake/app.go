package main

import (
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/urfave/cli/v2"

	"github.com/paylake/paylake/internal/config"
)

// env is what commands share: the streams of the process.
type env struct {
	stdin          io.Reader
	stdout, stderr io.Writer
	json           bool // --json was given
}

// app builds the command line. Every command has a file of its own.
func (e *env) app() *cli.App {
	commands := []*cli.Command{
		e.initCommand(), e.checkCommand(), e.streamsCommand(), e.planCommand(), e.syncCommand(), e.backfillCommand(), e.statusCommand(), e.verifyCommand(),
		e.optimizeCommand(), e.vacuumCommand(), e.filesCommand(), e.decodeCommand(), e.schemaCommand(), e.demoCommand(), e.versionCommand(),
	}
	for _, c := range commands {
		e.finish(c)
	}
	return &cli.App{
		Name:                  "paylake",
		Usage:                 "copy what a payment platform knows into Delta Lake tables",
		Version:               version,
		HideVersion:           true,
		Commands:              commands,
		Reader:                e.stdin,
		Writer:                e.stdout,
		ErrWriter:             e.stderr,
		CustomAppHelpTemplate: cli.AppHelpTemplate + exitCodeHelp,
		ExitErrHandler:        func(*cli.Context, error) {}, // run decides
		OnUsageError:          onUsageError,
		Flags:                 []cli.Flag{&cli.BoolFlag{Name: "version", Usage: "print the version"}},
		Action: func(c *cli.Context) error {
			if c.Bool("version") {
				return e.runVersion(c)
			}
			if !c.Args().Present() {
				return cli.ShowAppHelp(c)
			}
			names := make([]string, len(commands))
			for i, command := range commands {
				names[i] = command.Name
			}
			name := c.Args().First()
			return usagef("unknown command %q; %s", name, config.Hint(name, names))
		},
	}
}

// finish gives a command what all of them have.
func (e *env) finish(c *cli.Command) {
	c.Flags = append(c.Flags, &cli.BoolFlag{Name: "json", Usage: "print JSON, and errors as JSON on stderr"})
	c.CustomHelpTemplate = cli.CommandHelpTemplate + exitCodeHelp
	c.OnUsageError = onUsageError
	action := c.Action
	c.Action = func(ctx *cli.Context) error {
		e.json = ctx.Bool("json")
		return action(ctx)
	}
}

// onUsageError turns the flag parser's errors into usage errors. Its own text
// about them would go to stdout.
func onUsageError(c *cli.Context, err error, _ bool) error {
	text := err.Error()
	if name, ok := strings.CutPrefix(text, "flag provided but not defined: -"); ok {
		var names []string
		for _, f := range c.Command.Flags {
			if !slices.Contains(names, f.Names()[0]) {
				names = append(names, f.Names()[0])
			}
		}
		name = strings.TrimLeft(name, "-")
		text = fmt.Sprintf("unknown flag --%s; %s", name, config.Hint(name, names))
	}
	return usagef("%s", text)
}

// flagsFirst puts the flags of a command before its arguments, so that both
// "schema orders --format spark" and "schema --format spark orders" work: the
// flag parser stops at the first argument.
func flagsFirst(app *cli.App, args []string) []string {
	if len(args) < 2 {
		return args
	}
	command := app.Command(args[1])
	if command == nil {
		return args
	}
	withValue := map[string]bool{}
	for _, f := range command.Flags {
		if _, isBool := f.(*cli.BoolFlag); !isBool {
			for _, name := range f.Names() {
				withValue[name] = true
			}
		}
	}
	flags, rest := args[:2:2], []string{}
	for i := 2; i < len(args); i++ {
		arg := args[i]
		if arg == "--" {
			rest = append(rest, args[i:]...)
			break
		}
		if len(arg) < 2 || arg[0] != '-' {
			rest = append(rest, arg)
			continue
		}
		flags = append(flags, arg)
		if withValue[strings.TrimLeft(arg, "-")] {
			if i++; i == len(args) {
				return flags // the parser says what is missing
			}
			flags = append(flags, args[i])
		}
	}
	return append(flags, rest...)
}

// arguments checks the number of a command's arguments.
func arguments(c *cli.Context, least, most int) error {
	switch n := c.NArg(); {
	case n < least:
		return usagef("%s needs an argument: %s", c.Command.Name, strings.TrimSpace(c.Command.Name+" "+c.Command.ArgsUsage))
	case most >= 0 && n > most:
		return usagef("%s has too many arguments, the first is %q; usage: %s", c.Command.Name, c.Args().Get(most),
			strings.TrimSpace(c.Command.Name+" "+c.Command.ArgsUsage))
	}
	return nil
}

// printJSON writes one value to stdout.
func (e *env) printJSON(v any) error {
	encoder := json.NewEncoder(e.stdout)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	if err := encoder.Encode(v); err != nil {
		return fmt.Errorf("write output: %w", err)
	}
	return nil
}

// printTable writes rows to stdout in columns, the first row being the head.
func (e *env) printTable(rows [][]string) error { return table(e.stdout, rows) }

func table(w io.Writer, rows [][]string) error {
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, row := range rows {
		row = slices.Clone(row)
		for i, cell := range row {
			if cell == "" {
				row[i] = "-"
			}
		}
		fmt.Fprintln(tw, strings.Join(row, "\t"))
	}
	if err := tw.Flush(); err != nil {
		return fmt.Errorf("write output: %w", err)
	}
	return nil
}

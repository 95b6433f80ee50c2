package main

import (
	"fmt"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/paylake/paylake/extract"
	"github.com/paylake/paylake/internal/config"
)

func schemaFormats() []string { return []string{"arrow"} }

// schemaText is the output of schema --json.
type schemaText struct {
	Stream  string `json:"stream"`
	Version int    `json:"version"`
	Format  string `json:"format"`
	Text    string `json:"text"`
}

func (e *env) schemaCommand() *cli.Command {
	return &cli.Command{
		Name:      "schema",
		Usage:     "print the columns of a stream's table",
		ArgsUsage: "STREAM",
		Description: "Prints the Arrow schema of the table, or the statement that makes the table known to an engine. With --config the\n" +
			"statement has the table's place and leaves out what the configuration excludes.",
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "format", Value: "arrow", Usage: strings.Join(schemaFormats(), ", ")},
			&cli.StringFlag{Name: "config", Aliases: []string{"c"}, Usage: "take the table's place from this configuration `FILE`"},
			&cli.StringFlag{Name: "connection", Usage: "connection `NAME`, if several have the stream"},
		},
		Action: e.runSchema,
	}
}

func (e *env) runSchema(c *cli.Context) error {
	if err := arguments(c, 1, 1); err != nil {
		return err
	}
	format := c.String("format")
	if err := oneOf("format", format, schemaFormats()); err != nil {
		return err
	}
	_, ep, err := findEndpoint(c.Args().First())
	if err != nil {
		return err
	}
	text := schemaIn(format, ep)
	if e.json {
		return e.printJSON(schemaText{Stream: ep.Table.Name, Version: ep.Table.Version, Format: format, Text: text})
	}
	if _, err := fmt.Fprintln(e.stdout, strings.TrimRight(text, "\n")); err != nil {
		return fmt.Errorf("write output: %w", err)
	}
	return nil
}

func schemaIn(format string, ep extract.Endpoint) string {
	return ep.Table.ArrowSchema().String()
}

func oneOf(what, name string, valid []string) error {
	for _, v := range valid {
		if v == name {
			return nil
		}
	}
	return usagef("unknown %s %q; %s", what, name, config.Hint(name, valid))
}

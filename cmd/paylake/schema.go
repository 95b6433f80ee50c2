package main

import (
	"fmt"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/paylake/paylake/internal/config"
	"github.com/paylake/paylake/partitioning"
	"github.com/paylake/paylake/schema"
)

func schemaFormats() []string {
	return []string{"arrow", "spark", "athena", "duckdb", "duckdb-columns"}
}

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
	table, place, err := schemaTable(c)
	if err != nil {
		return err
	}
	text := schemaIn(format, table, place)
	if e.json {
		return e.printJSON(schemaText{Stream: c.Args().First(), Version: table.Version, Format: format, Text: text})
	}
	if _, err := fmt.Fprintln(e.stdout, strings.TrimRight(text, "\n")); err != nil {
		return fmt.Errorf("write output: %w", err)
	}
	return nil
}

// schemaTable gives the table and its place. Without a configuration the place
// has no location and the default partitions.
func schemaTable(c *cli.Context) (*schema.Table, schema.Place, error) {
	name := c.Args().First()
	if !c.IsSet("config") {
		_, ep, err := findEndpoint(name)
		if err != nil {
			return nil, schema.Place{}, err
		}
		return ep.Table, place(spec(&config.Config{}, ep)), nil
	}
	cfg, err := loadConfig(c)
	if err != nil {
		return nil, schema.Place{}, err
	}
	chosen, err := chooseOne(cfg, c.String("connection"), name)
	if err != nil {
		return nil, schema.Place{}, err
	}
	table, err := chosen.table()
	p := place(spec(cfg, chosen.ep))
	p.Name = chosen.conn.TablePrefix + chosen.stream.Table
	p.Location = address(cfg, chosen.key)
	return table, p, err
}

func place(s partitioning.Spec) schema.Place {
	p := schema.Place{PartitionColumn: s.Column, PartitionType: schema.Date}
	if s.Granularity == partitioning.Month {
		p.PartitionType = schema.String
	}
	return p
}

func schemaIn(format string, table *schema.Table, place schema.Place) string {
	switch format {
	case "spark":
		return schema.SparkDDL(table, place)
	case "athena":
		return schema.AthenaDDL(table, place)
	case "duckdb":
		return schema.DuckDBView(table, place)
	case "duckdb-columns":
		return schema.DuckDBColumns(table)
	}
	return table.ArrowSchema().String()
}

func oneOf(what, name string, valid []string) error {
	for _, v := range valid {
		if v == name {
			return nil
		}
	}
	return usagef("unknown %s %q; %s", what, name, config.Hint(name, valid))
}

package schema

import (
	"fmt"
	"strings"
)

// Place is where a table lies and how it is partitioned, for the statements
// that make it known to an engine.
type Place struct {
	Name            string // of the table in the engine, parts separated by dots; "" = the table's own
	Location        string // path or URL of the table; "" = a placeholder
	PartitionColumn string // "" = not partitioned
	PartitionType   Type   // Date or String
}

func (p Place) name(t *Table) string {
	if p.Name == "" {
		return t.Name
	}
	return p.Name
}

func (p Place) location() string {
	if p.Location == "" {
		return "<location of the table>"
	}
	return p.Location
}

// SparkDDL returns the statement that makes the table known to Spark and
// Databricks. Spark reads the columns from the table's log and refuses a list
// that differs in as much as a comment, so they follow as comments.
func SparkDDL(t *Table, p Place) string {
	return fmt.Sprintf("CREATE TABLE IF NOT EXISTS %s\nUSING DELTA\nLOCATION %s;\n\n",
		quoteName(p.name(t), "`"), quoteText(p.location(), `\'`)) + listing(t, p, "Spark", sparkType)
}

// AthenaDDL returns the statement that makes the table known to Athena (engine
// version 3), which reads the columns from the table's log too
// (https://docs.aws.amazon.com/athena/latest/ug/delta-lake-tables.html).
func AthenaDDL(t *Table, p Place) string {
	return fmt.Sprintf("CREATE EXTERNAL TABLE IF NOT EXISTS %s\nLOCATION %s\nTBLPROPERTIES ('table_type' = 'DELTA');\n\n",
		quoteName(p.name(t), "`"), quoteText(p.location(), "''")) + listing(t, p, "Athena", sparkType)
}

// DuckDBView returns a view of the table for DuckDB with its delta extension.
func DuckDBView(t *Table, p Place) string {
	return fmt.Sprintf("INSTALL delta;\nLOAD delta;\n\nCREATE OR REPLACE VIEW %s AS\nSELECT * FROM delta_scan(%s);\n\n",
		quoteName(p.name(t), `"`), quoteText(p.location(), "''")) + listing(t, p, "DuckDB", duckType)
}

// DuckDBColumns returns the columns argument of DuckDB's read_json for the
// records of the source, that is, by their JSON keys and without what the
// source does not send.
func DuckDBColumns(t *Table) string {
	var columns []string
	for _, f := range stored(t.Fields) {
		if !f.Injected {
			columns = append(columns, fmt.Sprintf("  %s: %s", quoteText(jsonKey(&f), "''"), quoteText(rawType(f), "''")))
		}
	}
	return "{\n" + strings.Join(columns, ",\n") + "\n}\n"
}

// listing lists the columns as comments of SQL.
func listing(t *Table, p Place, engine string, typ func(Field) string) string {
	columns := t.Columns()
	if p.PartitionColumn != "" {
		columns = append(columns, Field{Name: p.PartitionColumn, Type: p.PartitionType, Description: "The table is partitioned by it."})
	}
	var b strings.Builder
	fmt.Fprintf(&b, "-- The columns that %s finds in the table:\n", engine)
	for _, f := range columns {
		fmt.Fprintf(&b, "--   %s %s", f.Name, typ(f))
		if d := strings.Join(strings.Fields(f.Description), " "); d != "" {
			b.WriteString("  -- " + d)
		}
		b.WriteByte('\n')
	}
	return b.String()
}

// sparkType spells a type for Spark, and for Athena, which takes Hive's types.
func sparkType(f Field) string {
	switch f.Type {
	case Int64:
		return "BIGINT"
	case Bool:
		return "BOOLEAN"
	case Timestamp:
		return "TIMESTAMP"
	case Date:
		return "DATE"
	case Decimal:
		return fmt.Sprintf("DECIMAL(%d,%d)", DecimalPrecision, DecimalScale)
	case Map:
		return "MAP<STRING,STRING>"
	case List:
		return "ARRAY<" + sparkType(*f.Elem) + ">"
	case Struct:
		return "STRUCT<" + join(f.Fields, func(m Field) string { return m.Name + ":" + sparkType(m) }) + ">"
	}
	return "STRING"
}

// duckType spells the type that DuckDB gives a column of a table.
func duckType(f Field) string {
	if f.Type == Timestamp {
		return "TIMESTAMP WITH TIME ZONE"
	}
	return duck(f, duckType, func(m Field) string { return m.Name })
}

// rawType spells the type under which DuckDB reads the JSON of the source.
func rawType(f Field) string {
	return duck(f, rawType, func(m Field) string { return jsonKey(&m) })
}

func duck(f Field, inner, name func(Field) string) string {
	switch f.Type {
	case Int64, Bool, Date, Decimal, Timestamp:
		return sparkType(f)
	case Map:
		return "MAP(VARCHAR, VARCHAR)"
	case List:
		return inner(*f.Elem) + "[]"
	case Struct:
		return "STRUCT(" + join(f.Fields, func(m Field) string { return quotePart(name(m), `"`) + " " + inner(m) }) + ")"
	}
	return "VARCHAR"
}

func join(fields []Field, text func(Field) string) string {
	out := make([]string, len(fields))
	for i, f := range fields {
		out[i] = text(f)
	}
	return strings.Join(out, ", ")
}

// quoteName quotes each part of a dotted name.
func quoteName(name, quote string) string {
	parts := strings.Split(name, ".")
	for i, part := range parts {
		parts[i] = quotePart(part, quote)
	}
	return strings.Join(parts, ".")
}

func quotePart(name, quote string) string {
	return quote + strings.ReplaceAll(name, quote, quote+quote) + quote
}

// quoteText quotes a string; escaped is what a quote in it becomes.
func quoteText(text, escaped string) string {
	if escaped == `\'` {
		text = strings.ReplaceAll(text, `\`, `\\`)
	}
	return "'" + strings.ReplaceAll(text, "'", escaped) + "'"
}

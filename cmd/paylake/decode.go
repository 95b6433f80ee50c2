package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/paylake/paylake/extract"
	"github.com/paylake/paylake/schema"
)

// flushDecode is how many bytes of rows are held before they are written: a row
// group, less what one record may add.
const flushDecode = 15 << 20

// rejectInfo is a line of decode's stderr.
type rejectInfo struct {
	Source  string          `json:"source"` // file:line where the record's answer starts
	Key     string          `json:"key,omitempty"`
	Pointer string          `json:"pointer"` // RFC 6901; "" is the whole record
	Reason  string          `json:"reason"`
	Record  json.RawMessage `json:"record,omitempty"`
}

func (e *env) decodeCommand() *cli.Command {
	return &cli.Command{
		Name:      "decode",
		Usage:     "print saved answers as the rows of a table, or write them as Parquet",
		ArgsUsage: "STREAM [FILE...|-]",
		Description: "Reads saved answers of the API from the files, or from standard input: list envelopes, arrays, single records or\n" +
			"JSON lines. Prints the rows that the table would hold as JSON, one a line. Records that do not fit go to stderr as\n" +
			"JSON with the pointer of the field and the reason; then the exit code is 3. Nothing is sent or stored.\n\n" +
			"With --parquet the rows become a Parquet file instead, as the table's files have them, and its path, rows and bytes\n" +
			"are printed as JSON. Rows are sorted within row groups of at most 16 MiB. A file of that name is replaced when the\n" +
			"new one is complete, and stays if the answers have no rows.",
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "config", Aliases: []string{"c"}, Usage: "take connection and exclude from this configuration `FILE`"},
			&cli.StringFlag{Name: "connection", Usage: "`NAME` for the column _connection"},
			&cli.StringFlag{Name: "parquet", Usage: "write the rows to this `FILE` instead of printing them"},
			&cli.StringFlag{Name: "parent", Usage: "`KEY` of the parent record, for streams that are read per parent"},
		},
		Action: e.runDecode,
	}
}

func (e *env) runDecode(c *cli.Context) error {
	if err := arguments(c, 1, -1); err != nil {
		return err
	}
	d, err := e.newDecoding(c)
	if err != nil {
		return err
	}
	defer d.out.abort()
	files := c.Args().Slice()[1:]
	if len(files) == 0 {
		files = []string{"-"}
	}
	for _, file := range files {
		if err := e.decodeFile(c.Context, d, file); err != nil {
			return err
		}
	}
	return d.end(c.Context)
}

// decodeFile decodes a file, or standard input for "-".
func (e *env) decodeFile(ctx context.Context, d *decoding, file string) error {
	in := e.stdin
	if file != "-" {
		f, err := os.Open(file)
		if errors.Is(err, os.ErrNotExist) {
			return usagef("read answers: %w", err)
		}
		if err != nil {
			return fmt.Errorf("read answers: %w", err)
		}
		defer func() { _ = f.Close() }() // only read
		in = f
	}
	a, err := newAnswers(in)
	if err != nil {
		return fmt.Errorf("read answers from %s: %w", file, err)
	}
	for err == nil {
		err = d.answer(ctx, file, a)
	}
	if errors.Is(err, io.EOF) {
		return nil
	}
	return err
}

// decoding is one run of decode.
type decoding struct {
	decoder *schema.Decoder
	dataKey string
	out     rowOutput
	rejects *json.Encoder // on stderr
	told    int           // rejects of the decoder that were printed
	broken  int           // answers that are no list or record
	records int64         // of all answers, also those that do not fit
	names   names         // of the records' top-level fields
	say     func(text string)
}

func (e *env) newDecoding(c *cli.Context) (*decoding, error) {
	ep, connection, err := decodeStream(c)
	if err != nil {
		return nil, err
	}
	decoder, err := schema.NewDecoder(ep.Table, &schema.DecoderOptions{Connection: connection})
	if err != nil {
		return nil, err
	}
	now := time.Now().UTC()
	decoder.Reset(time.Time{}, time.Time{}, now)
	if ep.ParentColumn != "" {
		if c.String("parent") == "" {
			return nil, usagef("decode %s needs --parent: the record does not say which of %s it belongs to", ep.Table.Name, ep.Parent)
		}
		decoder.Inject(ep.ParentColumn, c.String("parent"))
	}
	if ep.SnapshotTime != "" {
		decoder.Inject(ep.SnapshotTime, now)
	}
	d := &decoding{decoder: decoder, dataKey: ep.DataKey, out: newRowPrinter(e.stdout), rejects: json.NewEncoder(e.stderr),
		names: newNames(ep.Table), say: e.say}
	d.rejects.SetEscapeHTML(false)
	if d.dataKey == "" {
		d.dataKey = "data"
	}
	if path := c.String("parquet"); path != "" {
		d.out, err = newRowFile(ep.Table, path, e.stdout)
	}
	return d, err
}

// decodeStream gives the stream with its effective table, and the name of the
// connection.
func decodeStream(c *cli.Context) (ep extract.Endpoint, connection string, err error) {
	name, connection := c.Args().First(), c.String("connection")
	if c.IsSet("config") {
		cfg, err := loadConfig(c)
		if err != nil {
			return ep, "", err
		}
		chosen, err := chooseOne(cfg, connection, name)
		if err != nil {
			return ep, "", err
		}
		ep = chosen.ep
		ep.Table, err = ep.Table.Exclude(chosen.stream.Exclude...)
		return ep, chosen.conn.Name, err
	}
	_, ep, err = findEndpoint(name)
	if connection == "" {
		connection = "decode"
	}
	return ep, connection, err
}

// answer decodes the next answer of an input; io.EOF if there is none.
func (d *decoding) answer(ctx context.Context, file string, in *answers) error {
	a, err := d.read(file, in)
	if errors.Is(err, io.EOF) {
		return err
	}
	if err != nil {
		return fmt.Errorf("read answers from %s: %w", file, err)
	}
	if a.err != nil {
		d.broken++
		if err := d.tell(rejectInfo{Source: at(file, a), Reason: a.err.Error()}); err != nil {
			return err
		}
	}
	if err := d.tellRejects(); err != nil {
		return err
	}
	if d.decoder.Bytes() > flushDecode {
		return d.flush(ctx)
	}
	return nil
}

// read takes the next answer of an input and decodes it. A line that looks like
// an object is tried at once; whatever else comes is parsed first, to know where
// it ends.
func (d *decoding) read(file string, in *answers) (answer, error) {
	if err := in.space(); err != nil {
		return answer{}, err
	}
	a, looks, err := in.guess()
	if err != nil {
		return a, err
	}
	var syntax *schema.SyntaxError
	if looks {
		if a.err = d.page(file, a); !errors.As(a.err, &syntax) {
			in.take(len(a.body))
			return a, nil
		}
	}
	if a, err = in.next(); err == nil && a.err == nil {
		a.err = d.page(file, a)
	}
	return a, err
}

func (d *decoding) page(file string, a answer) error {
	layout := layoutOf(a.body, d.dataKey)
	page, err := d.decoder.Page(a.body, layout, at(file, a))
	if err == nil {
		d.records += int64(page.Records)
		d.names.look(a.body, layout)
	}
	return err
}

// at names the place of an answer.
func at(file string, a answer) string { return file + ":" + strconv.Itoa(a.line) }

// flush writes the rows decoded so far.
func (d *decoding) flush(ctx context.Context) error {
	batch, err := d.decoder.Build()
	if err != nil || batch == nil {
		return err
	}
	defer batch.Release()
	return d.out.write(ctx, batch)
}

// end writes what is left. It gives the exit code as an error.
func (d *decoding) end(ctx context.Context) error {
	if err := d.flush(ctx); err != nil {
		return err
	}
	d.remark()
	if err := d.out.end(ctx); err != nil && !(errors.Is(err, errNoRows) && d.broken+d.told > 0) {
		return err
	}
	if late := d.decoder.Late(); late > 0 {
		d.broken++
		reason := fmt.Sprintf("%d records came again after their rows were written, and may be newer than those: decode fewer answers at once", late)
		if err := d.tell(rejectInfo{Source: "-", Reason: reason}); err != nil {
			return err
		}
	}
	if d.broken+d.told > 0 {
		return said(exitIncomplete)
	}
	return nil
}

// remark tells what a user may have got wrong with the input as a whole.
func (d *decoding) remark() {
	switch {
	case d.records == 0 && d.broken == 0:
		d.say("no records in the input")
	case d.names.strange():
		d.say("warning: most fields are unknown to the table: these look like another stream")
	}
}

// tellRejects writes the rejects that came since it was called last.
func (d *decoding) tellRejects() error {
	rejects := d.decoder.Rejects()
	for _, r := range rejects[d.told:] {
		info := rejectInfo{Source: r.RequestID, Key: r.Key, Pointer: r.Pointer, Reason: r.Reason}
		if !r.Invalid && json.Valid(r.Record) {
			info.Record = r.Record
		}
		if err := d.tell(info); err != nil {
			return err
		}
	}
	d.told = len(rejects)
	return nil
}

func (d *decoding) tell(info rejectInfo) error {
	if err := d.rejects.Encode(info); err != nil {
		return fmt.Errorf("write rejects: %w", err)
	}
	return nil
}

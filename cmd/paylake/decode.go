package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/paylake/paylake/extract"
	"github.com/paylake/paylake/schema"
)

const (
	maxInput    = 512 << 20 // bytes of one input of decode
	flushDecode = 16 << 20  // bytes of rows that are held before they are printed
)

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
		Usage:     "print saved answers as the rows of a table",
		ArgsUsage: "STREAM [FILE...|-]",
		Description: "Reads saved answers of the API from the files, or from standard input: list envelopes, arrays, single records or\n" +
			"JSON lines. Prints the rows that the table would hold as JSON, one a line. Records that do not fit go to stderr as\n" +
			"JSON with the pointer of the field and the reason; then the exit code is 3. Nothing is sent or stored.",
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "config", Aliases: []string{"c"}, Usage: "take connection and exclude from this configuration `FILE`"},
			&cli.StringFlag{Name: "connection", Usage: "`NAME` for the column _connection"},
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
	files := c.Args().Slice()[1:]
	if len(files) == 0 {
		files = []string{"-"}
	}
	for _, file := range files {
		data, err := e.input(file)
		if err != nil {
			return err
		}
		if err := c.Context.Err(); err != nil {
			return err
		}
		if err := d.answers(file, data); err != nil {
			return err
		}
	}
	return d.end()
}

// input reads a file, or standard input for "-".
func (e *env) input(file string) ([]byte, error) {
	var r io.Reader = e.stdin
	if file != "-" {
		f, err := os.Open(file)
		if errors.Is(err, os.ErrNotExist) {
			return nil, usagef("read answers: %w", err)
		}
		if err != nil {
			return nil, fmt.Errorf("read answers: %w", err)
		}
		defer func() { _ = f.Close() }() // only read
		r = f
	}
	data, err := io.ReadAll(io.LimitReader(r, maxInput+1))
	if err != nil {
		return nil, fmt.Errorf("read answers from %s: %w", file, err)
	}
	if len(data) > maxInput {
		return nil, fmt.Errorf("read answers from %s: longer than %d MiB; split it", file, maxInput>>20)
	}
	return data, nil
}

// decoding is one run of decode.
type decoding struct {
	decoder *schema.Decoder
	dataKey string
	out     *bufio.Writer
	rejects *json.Encoder // on stderr
	told    int           // rejects of the decoder that were printed
	broken  int           // answers that are no list or record
	line    []byte
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
	d := &decoding{decoder: decoder, dataKey: ep.DataKey, out: bufio.NewWriterSize(e.stdout, 1<<16), rejects: json.NewEncoder(e.stderr)}
	d.rejects.SetEscapeHTML(false)
	if d.dataKey == "" {
		d.dataKey = "data"
	}
	return d, nil
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

// answers decodes all the answers of one input.
func (d *decoding) answers(file string, data []byte) error {
	for a := range split(data) {
		where := fmt.Sprintf("%s:%d", file, a.line)
		if a.err == nil {
			_, a.err = d.decoder.Page(a.body, layoutOf(a.body, d.dataKey), where)
		}
		if a.err != nil {
			d.broken++
			if err := d.tell(rejectInfo{Source: where, Reason: a.err.Error()}); err != nil {
				return err
			}
		}
		if err := d.tellRejects(); err != nil {
			return err
		}
		if d.decoder.Bytes() > flushDecode {
			if err := d.print(); err != nil {
				return err
			}
		}
	}
	return nil
}

// print writes the rows decoded so far.
func (d *decoding) print() error {
	batch, err := d.decoder.Build()
	if err != nil || batch == nil {
		return err
	}
	defer batch.Release()
	for i := range int(batch.NumRows()) {
		d.line = schema.EncodeRow(d.line[:0], batch, i)
		if _, err := d.out.Write(d.line); err != nil {
			return fmt.Errorf("write output: %w", err)
		}
	}
	return nil
}

// end writes what is left. It gives the exit code as an error.
func (d *decoding) end() error {
	if err := d.print(); err != nil {
		return err
	}
	if err := d.out.Flush(); err != nil {
		return fmt.Errorf("write output: %w", err)
	}
	if d.broken+d.told > 0 {
		return said(exitIncomplete)
	}
	return nil
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

package main

import (
	_ "embed"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/urfave/cli/v2"
)

//go:embed init.yaml
var initText []byte

func (e *env) initCommand() *cli.Command {
	return &cli.Command{
		Name:      "init",
		Usage:     "write a commented configuration",
		ArgsUsage: "[FILE]",
		Description: "Writes FILE, paylake.yaml if not given, with every setting and what it does.\n" +
			"A file that is there already is left alone.",
		Flags: []cli.Flag{
			&cli.BoolFlag{Name: "force", Usage: "replace a file that is there already"},
		},
		Action: e.runInit,
	}
}

func (e *env) runInit(c *cli.Context) error {
	if err := arguments(c, 0, 1); err != nil {
		return err
	}
	file := c.Args().First()
	if file == "" {
		file = "paylake.yaml"
	}
	mode := os.O_WRONLY | os.O_CREATE | os.O_EXCL
	if c.Bool("force") {
		mode = os.O_WRONLY | os.O_CREATE | os.O_TRUNC
	}
	f, err := os.OpenFile(file, mode, 0o644)
	if errors.Is(err, fs.ErrExist) {
		return usagef("%s is there already; --force replaces it", file)
	}
	if err != nil {
		return fmt.Errorf("write configuration: %w", err)
	}
	_, err = f.Write(initText)
	if err := errors.Join(err, f.Close()); err != nil {
		return fmt.Errorf("write configuration %s: %w", file, err)
	}
	if e.json {
		return e.printJSON(map[string]string{"file": file})
	}
	fmt.Fprintf(e.stderr, "wrote %s; put the secret key into PAGARME_API_KEY, then: paylake check, paylake plan, paylake sync\n", file)
	return nil
}

package main

import (
	"fmt"
	"runtime"
	"runtime/debug"

	"github.com/urfave/cli/v2"
)

// versionInfo is the output of version --json.
type versionInfo struct {
	Version  string `json:"version"`
	Commit   string `json:"commit,omitempty"`
	Go       string `json:"go"`
	Platform string `json:"platform"`
}

func (e *env) versionCommand() *cli.Command {
	return &cli.Command{
		Name:        "version",
		Usage:       "print the version",
		Description: "Prints the version of paylake, the commit it was built from, and the Go version and platform.",
		Action:      e.runVersion,
	}
}

func (e *env) runVersion(c *cli.Context) error {
	if err := arguments(c, 0, 0); err != nil {
		return err
	}
	info := versionInfo{Version: version, Go: runtime.Version(), Platform: runtime.GOOS + "/" + runtime.GOARCH}
	if build, ok := debug.ReadBuildInfo(); ok {
		for _, s := range build.Settings {
			if s.Key == "vcs.revision" {
				info.Commit = s.Value
			}
		}
	}
	if e.json {
		return e.printJSON(info)
	}
	text := "paylake " + info.Version
	if info.Commit != "" {
		text += " (" + info.Commit[:min(12, len(info.Commit))] + ")"
	}
	_, err := fmt.Fprintf(e.stdout, "%s %s %s\n", text, info.Go, info.Platform)
	return err
}

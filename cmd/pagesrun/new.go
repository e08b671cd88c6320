package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/pagesrun/pagesrun/cmd/pagesrun/internal/build/toolchain"
	"github.com/pagesrun/pagesrun/cmd/pagesrun/internal/scaffold"
)

// newCmd is "pagesrun new".
type newCmd struct {
	Lang string `short:"l" placeholder:"LANGUAGE" help:"Language: go, rust, c, cpp, assemblyscript or zig."`
	Dir  string `arg:"" optional:"" name:"name" help:"Name of the project; its folder is made here."`
}

// Run makes a project and says what to do next, and what this machine lacks for that.
func (c *newCmd) Run(ctx context.Context) error {
	language, err := c.language()
	if err != nil {
		return err
	}
	if err := (scaffold.Project{Dir: c.Dir, Language: language, Version: version(), Date: time.Now()}).Create(); err != nil {
		var name *scaffold.NameError
		if errors.As(err, &name) {
			return usageError(err.Error())
		}
		return err
	}
	fmt.Printf("%s is a function in %s. Next:\n\n  cd %s\n", filepath.Base(c.Dir), language.Title, c.Dir)
	for _, command := range language.Commands() {
		fmt.Println("  " + command)
	}
	for _, missing := range toolchain.Check(ctx, language.Name, c.Dir) {
		if !missing.Setup {
			fmt.Fprintf(os.Stderr, "\nBefore that: %s\n", missing)
		}
	}
	return nil
}

// language is the one that was asked for. Without one, or without a name, the error shows how to ask.
func (c *newCmd) language() (scaffold.Language, error) {
	language, ok := scaffold.Find(strings.ToLower(c.Lang))
	switch {
	case c.Lang == "":
		return language, usageError("which language? " + example(c.Dir))
	case !ok:
		return language, usageError(fmt.Sprintf("there is no template for %q. %s", c.Lang, example(c.Dir)))
	case c.Dir == "":
		return language, usageError("a project needs a name: pagesrun new --lang " + language.Name + " hello")
	}
	return language, nil
}

// example shows how to ask for a project, with all languages.
func example(dir string) string {
	if dir == "" {
		dir = "hello"
	}
	var names strings.Builder
	for _, l := range scaffold.Languages() {
		fmt.Fprintf(&names, "\n  --lang %-15s %s", l.Name, l.Title)
	}
	return "Say, for example, pagesrun new --lang go " + dir + "\nThe languages are:" + names.String()
}

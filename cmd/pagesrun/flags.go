package main

import (
	"cmp"
	"os"
	"path/filepath"

	"github.com/pagesrun/pagesrun/config"
	"github.com/pagesrun/pagesrun/hostfuncs"
	"github.com/pagesrun/pagesrun/hostfuncs/bindings"
)

// configFlags say which configuration and which data directory a command works with.
type configFlags struct {
	Config    string   `short:"c" placeholder:"FILE" help:"Configuration file (default: wrangler.json, wrangler.jsonc or wrangler.toml here or above)."`
	Env       string   `short:"e" placeholder:"NAME" help:"Environment of the configuration file (or CLOUDFLARE_ENV)."`
	EnvFile   []string `sep:"none" placeholder:"FILE" help:"Read variables from this file instead of .dev.vars or .env; repeatable."`
	PersistTo string   `placeholder:"DIR" help:"Data directory (default: .pagesrun beside the configuration file)."`
}

// bindingFlags add bindings to those of the file.
type bindingFlags struct {
	KV      []string `short:"k" name:"kv" sep:"none" placeholder:"NAME[=ID]" help:"Add a KV namespace; repeatable."`
	D1      []string `name:"d1" sep:"none" placeholder:"NAME[=ID]" help:"Add a D1 database; repeatable."`
	Binding []string `short:"b" placeholder:"KEY=VALUE" sep:"none" help:"Add a text variable; repeatable."`
}

// load reads the configuration. Problems are returned with it, so that a caller can add those of the bindings.
func (f configFlags) load(extra bindingFlags) (*config.Config, config.Problems) {
	return config.Load(config.Options{
		File: f.Config, Env: f.Env, EnvFiles: f.EnvFile, KV: extra.KV, D1: extra.D1, Vars: extra.Binding,
		Sections: hostfuncs.Sections(bindings.All()), LookupEnv: os.LookupEnv, Environ: os.Environ, Git: config.GitHead,
	})
}

// dataDir is where everything durable lives.
func (f configFlags) dataDir(cfg *config.Config) string {
	return cmp.Or(f.PersistTo, filepath.Join(cfg.Dir, ".pagesrun"))
}

// storeDir is the part of it that a kind of binding has. A data directory of a newer version is refused.
func (f configFlags) storeDir(cfg *config.Config, kind string) (string, error) {
	dir := f.dataDir(cfg)
	return filepath.Join(dir, kind), hostfuncs.CheckDataDir(dir)
}

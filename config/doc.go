// Package config turns wrangler.toml, wrangler.json or wrangler.jsonc, the .dev.vars and .env files beside it and the command-line
// flags into one checked configuration in which every value knows the file and line it came from.
//
// It knows the rules of the file (environments, inheritance, which keys exist) and none of the bindings: each binding
// decodes its own section from the tree of [Node] values that [Config.Section] gives.
package config

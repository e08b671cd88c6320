// Package secrets is the binding of secrets: variables whose values come from .dev.vars or .env files, or from the process environment,
// and never appear in logs, errors or lists.
//
// To a guest variables and secrets are the same: a secret answers "vars.get" too.
package secrets

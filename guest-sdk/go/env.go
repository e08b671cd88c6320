package pagesrun

import (
	"errors"

	"github.com/pagesrun/pagesrun/abi"
)

// Env returns a variable or secret of the configuration and whether there is one of that name. A variable that was configured as
// something else than a string (number, boolean, array, table) comes as its JSON form.
//
// Reading it once at start-up, in main or in a package variable, costs events nothing: the value is part of the image then.
func Env(name string) (string, bool) {
	reply, err := Invoke[abi.VarsGetReply](name, abi.OpVarsGet, &abi.VarsGetRequest{})
	return reply.Value, found("variable", name, err)
}

// Secret returns a secret and whether there is one of that name. Unlike [Env] it does not find plain variables.
func Secret(name string) (string, bool) {
	reply, err := Invoke[abi.SecretsGetReply](name, abi.OpSecretsGet, &abi.SecretsGetRequest{})
	return reply.Value, found("secret", name, err)
}

// found tells a name that is not there, which is an answer, from a failure, which is logged.
func found(what, name string, err error) bool {
	switch {
	case err == nil:
		return true
	case !errors.Is(err, abi.CodeNotConfigured) && !errors.Is(err, abi.CodeWrongKind):
		Log(LevelError, "pagesrun: "+what+" "+name+": "+err.Error())
	}
	return false
}

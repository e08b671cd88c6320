package runtime

import (
	"errors"
	"strings"

	"github.com/pagesrun/pagesrun/runtime/wasm"
)

// LoadError says why a module cannot be served.
type LoadError struct {
	// Code is stable, such as "component" or "unknown_import".
	Code string
	// Message is a sentence for a person.
	Message string
	// Hint is what to do about it; may be empty.
	Hint string
	// Cause is the error behind it; may be nil.
	Cause error
}

// Error gives message, cause and hint.
func (e *LoadError) Error() string {
	var b strings.Builder
	b.WriteString(e.Message)
	if e.Cause != nil {
		b.WriteString(": ")
		b.WriteString(e.Cause.Error())
	}
	if e.Hint != "" {
		b.WriteString("\n  ")
		b.WriteString(e.Hint)
	}
	return b.String()
}

// Unwrap gives the cause.
func (e *LoadError) Unwrap() error { return e.Cause }

// asLoadError makes err a [LoadError]: its own code where it comes from the preflight.
func asLoadError(code, message string, err error) error {
	var load *LoadError
	if errors.As(err, &load) {
		return load
	}
	var bad *wasm.Error
	if errors.As(err, &bad) {
		return &LoadError{Code: string(bad.Code), Message: bad.Message, Hint: bad.Hint}
	}
	return &LoadError{Code: code, Message: message, Cause: err}
}

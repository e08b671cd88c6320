package hostfuncs

import "github.com/pagesrun/pagesrun/abi"

// Failure is an error with two faces: the public one a guest sees and the private cause that goes to the log.
type Failure struct {
	// Public is what the guest is told.
	Public abi.Error
	// Cause is what really happened; never shown to a guest.
	Cause error
}

// Fail makes a [Failure].
func Fail(code abi.Code, message string, cause error) error {
	return &Failure{Public: abi.Error{Code: code, Message: message}, Cause: cause}
}

// Error gives both faces; for logs.
func (f *Failure) Error() string {
	if f.Cause == nil {
		return f.Public.Error()
	}
	return f.Public.Error() + ": " + f.Cause.Error()
}

// Unwrap gives the public error and the cause, so errors.Is and errors.As reach both.
func (f *Failure) Unwrap() []error { return []error{&f.Public, f.Cause} }

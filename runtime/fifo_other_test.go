//go:build !unix

package runtime_test

import "errors"

func makePipe(string) error { return errors.ErrUnsupported }

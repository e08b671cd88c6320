// Package process builds functions and the pagesrun binary for tests, and runs the binary.
package process

package main

import (
	"fmt"
	"io"
	"net/http"
	"strconv"

	pagesrun "github.com/pagesrun/pagesrun/runtime"
)

// zeros is a request's body of so many bytes.
type zeros struct{ left int }

func (z *zeros) Read(p []byte) (int, error) {
	if z.left == 0 {
		return 0, io.EOF
	}
	n := min(len(p), z.left)
	z.left -= n
	return n, nil
}

func (z *zeros) Close() error { return nil }

// answer is the number that a guest answers with or, where it is counted, how many bytes its body has.
func answer(resp *pagesrun.Response, counted bool) (int, error) {
	if resp.Status != http.StatusOK {
		return 0, fmt.Errorf("the guest answered %d: %.200s", resp.Status, resp.Body)
	}
	switch {
	case counted && resp.Stream != nil:
		n, err := io.Copy(io.Discard, resp.Stream)
		return int(n), err
	case counted:
		return len(resp.Body), nil
	}
	return strconv.Atoi(string(resp.Body))
}

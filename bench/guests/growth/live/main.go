// Command live is a small function: it answers with its name, when the request's body has ended. bench/crowd makes many functions of it by changing the name
// in the module.
package main

import (
	"io"

	pagesrun "github.com/pagesrun/pagesrun/guest-sdk/go"
)

const name = "app-0000000000"

func main() {
	pagesrun.HandleFetch(func(_ *pagesrun.Context, req *pagesrun.Request) (*pagesrun.Response, error) {
		if _, err := io.Copy(io.Discard, req.Body); err != nil {
			return nil, err
		}
		return pagesrun.Text(200, name), nil
	})
}

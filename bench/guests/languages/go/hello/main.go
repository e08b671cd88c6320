// Command hello answers every request with the same line of text.
package main

import pagesrun "github.com/pagesrun/pagesrun/guest-sdk/go"

func main() {
	pagesrun.HandleFetch(func(*pagesrun.Context, *pagesrun.Request) (*pagesrun.Response, error) {
		return pagesrun.Text(200, "Hello, world!\n"), nil
	})
}

// Command hello-go is the smallest function: it greets.
package main

import pagesrun "github.com/pagesrun/pagesrun/guest-sdk/go"

func main() {
	pagesrun.HandleFetch(func(ctx *pagesrun.Context, req *pagesrun.Request) (*pagesrun.Response, error) {
		name, ok := req.Query("name")
		if !ok {
			name = "world"
		}
		return pagesrun.Text(200, "Hello, "+name+"!\n"), nil
	})
}

// Command nohandler forgets to register a handler.
package main

import _ "github.com/pagesrun/pagesrun/guest-sdk/go"

func main() {}

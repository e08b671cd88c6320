// Command random answers with one value of each of Go's standard generators.
package main

import (
	cryptorand "crypto/rand"
	"fmt"
	"hash/maphash"
	"math/rand"
	randv2 "math/rand/v2"

	pagesrun "github.com/pagesrun/pagesrun/guest-sdk/go"
)

func main() {
	pagesrun.HandleFetch(func(*pagesrun.Context, *pagesrun.Request) (*pagesrun.Response, error) {
		var b [8]byte
		cryptorand.Read(b[:])
		return pagesrun.Text(200, fmt.Sprintf("%x %x %x %x %v", rand.Uint64(), randv2.Uint64(), maphash.String(maphash.MakeSeed(), ""), b, rand.Perm(40))), nil
	})
}

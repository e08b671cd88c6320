// Command echo-go answers what its echo answers.
package main

import (
	"github.com/pagesrun/pagesrun/abi"
	pagesrun "github.com/pagesrun/pagesrun/guest-sdk/go"
)

func main() {
	pagesrun.HandleFetch(func(ctx *pagesrun.Context, req *pagesrun.Request) (*pagesrun.Response, error) {
		text, _ := req.Query("say")
		reply, err := pagesrun.Invoke[abi.EchoSayReply]("ECHO", abi.OpEchoSay, &abi.EchoSayRequest{Text: text, Times: 2})
		if err != nil {
			return pagesrun.Text(400, err.Error()), nil
		}
		return pagesrun.Text(200, reply.Text), nil
	})
}

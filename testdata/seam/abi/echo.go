package abi

// EchoSayRequest says something to an echo.
//
//pagesrun:op echo.say
//pagesrun:errors invalid_argument
type EchoSayRequest struct {
	// Text is what is said; it must not be empty.
	Text string `cbor:"1"`
	// Times is how often it comes back, 1 when it is 0.
	Times uint32 `cbor:"2"`
}

// EchoSayReply is what comes back.
type EchoSayReply struct {
	// Text is what was said, with the echo's own words in front.
	Text string `cbor:"1"`
}

package pagesrun

// The buffers of an instance. They are static so that an event dirties the same few pages every time, and shared without locks because
// nothing switches goroutines between filling one and handing it to the host.
var (
	responseBytes [16 << 10]byte
	requestBytes  [4 << 10]byte
	replyBytes    [4 << 10]byte
)

const unsupportedText = "the host does not support it"

func responseBuffer() []byte { return responseBytes[:0] }
func requestBuffer() []byte  { return requestBytes[:0] }
func replyBuffer() []byte    { return replyBytes[:] }

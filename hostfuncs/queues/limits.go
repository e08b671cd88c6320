package queues

import (
	"encoding/json"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/pagesrun/pagesrun/abi"
)

func invalid(format string, args ...any) *abi.Error {
	return &abi.Error{Code: abi.CodeInvalidArgument, Message: fmt.Sprintf(format, args...)}
}

func tooLarge(format string, args ...any) *abi.Error {
	return &abi.Error{Code: abi.CodeTooLarge, Message: fmt.Sprintf(format, args...)}
}

// checkMessage checks one message, in the order content type, size, delay, body, and gives its content type as it is stored.
func checkMessage(body []byte, contentType string, delayS *int64) (string, error) {
	kind := strings.ToLower(contentType)
	switch kind {
	case "":
		kind = abi.QueueJSON
	case abi.QueueJSON, abi.QueueText, abi.QueueBytes:
	case abi.QueueV8:
		return "", &abi.Error{Code: abi.CodeUnsupported, Message: `content type "v8" is for JavaScript values and cannot be sent from here; use "json", "text" or "bytes"`}
	default:
		return "", invalid("Unsupported queue message content type: %s", contentType)
	}
	if len(body) > abi.QueueMessageBytesMax {
		return "", tooLarge("message length of %d bytes exceeds limit of %d", len(body), abi.QueueMessageBytesMax)
	}
	if err := checkDelay(delayS); err != nil {
		return "", err
	}
	switch {
	case kind == abi.QueueJSON && !json.Valid(body):
		return "", invalid(`Content Type "json" requires a body that is valid JSON`)
	case kind == abi.QueueText && !utf8.Valid(body):
		return "", invalid(`Content Type "text" requires a body that is valid UTF-8`)
	}
	return kind, nil
}

// checkDelay checks the delay of a message, a batch or a retry.
func checkDelay(delayS *int64) error {
	if delayS != nil && (*delayS < 0 || *delayS > abi.QueueDelaySMax) {
		return invalid("delaySeconds must be between 0 and %d, not %d", abi.QueueDelaySMax, *delayS)
	}
	return nil
}

// checkBatch checks what concerns a batch as a whole, before its messages are looked at, and the size of all together.
func checkBatch(q *abi.QueuesSendBatchRequest) error {
	switch n := len(q.Messages); {
	case n == 0:
		return invalid("sendBatch() requires at least one message")
	case n > abi.QueueBatchMessagesMax:
		return tooLarge("batch message count of %d exceeds limit of %d", n, abi.QueueBatchMessagesMax)
	}
	return checkDelay(q.DelayS)
}

func checkBatchBytes(q *abi.QueuesSendBatchRequest) error {
	size := 0
	for i := range q.Messages {
		size += len(q.Messages[i].Body)
	}
	if size > abi.QueueBatchBytesMax {
		return tooLarge("batch size of %d bytes exceeds limit of %d", size, abi.QueueBatchBytesMax)
	}
	return nil
}

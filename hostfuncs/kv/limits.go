package kv

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"unicode/utf8"

	"github.com/pagesrun/pagesrun/abi"
)

// The platform's names of the methods, as its error texts have them. A list is a GET there.
const (
	methodGet     = "GET"
	methodPut     = "PUT"
	methodDelete  = "DELETE"
	methodGetBulk = "GET_BULK"
)

// refused is what the platform's client says before it asks the service.
func refused(text string) *abi.Error {
	return &abi.Error{Code: abi.CodeInvalidArgument, Message: text}
}

// failed is what the platform's service answers with.
func failed(method string, status uint32, format string, args ...any) *abi.Error {
	code := abi.CodeInvalidArgument
	if status == 413 {
		code = abi.CodeTooLarge
	}
	return &abi.Error{
		Code:    code,
		Message: fmt.Sprintf("KV %s failed: %d ", method, status) + fmt.Sprintf(format, args...),
		Status:  status,
	}
}

// checkKey checks the key of every operation on a single one.
func checkKey(method, key string) error {
	switch key {
	case "":
		return refused("Key name cannot be empty.")
	case ".", "..":
		return refused(`"` + key + `" is not allowed as a key name.`)
	}
	return checkName(method, key)
}

// checkName checks what the service checks of a key or prefix.
func checkName(method, name string) error {
	if !utf8.ValidString(name) {
		return failed(method, 400, "Could not URL-decode key name")
	}
	if len(name) > abi.KVKeyBytesMax {
		return failed(method, 414, "UTF-8 encoded length of %d exceeds key length limit of %d.", len(name), abi.KVKeyBytesMax)
	}
	return nil
}

// checkInt32 checks that a number, where given, is one the platform's client can pass on.
func checkInt32(numbers ...*int64) error {
	for _, n := range numbers {
		if n != nil && (*n < math.MinInt32 || *n > math.MaxInt32) {
			return refused(fmt.Sprintf("Value out of range. Must be between %d and %d (inclusive).", math.MinInt32, math.MaxInt32))
		}
	}
	return nil
}

// checkCacheTTL checks a cacheTtl where one is given.
func checkCacheTTL(method string, ttl *int64) error {
	if ttl != nil && *ttl < abi.KVCacheTTLMinS {
		return failed(method, 400, "Invalid cache_ttl of %d. Cache TTL must be at least %d.", *ttl, abi.KVCacheTTLMinS)
	}
	return nil
}

// checkGet checks all of a get but its type, which only matters where the key exists.
func checkGet(q *abi.KVGetRequest) error {
	if q.CacheTTLS == nil {
		return checkKey(methodGet, string(q.Key))
	}
	if err := checkInt32(q.CacheTTLS); err != nil {
		return err
	}
	if err := checkKey(methodGet, string(q.Key)); err != nil {
		return err
	}
	return checkCacheTTL(methodGet, q.CacheTTLS)
}

// checkType checks the type asked for, of a key that exists.
func checkType(valueType string) error {
	switch valueType {
	case "", abi.KVText, abi.KVJSON, abi.KVArrayBuffer, abi.KVStream:
		return nil
	}
	return refused(`Unknown response type. Possible types are "text", "arrayBuffer", "json", and "stream".`)
}

// checkGetBulk checks all of a bulk get.
func checkGetBulk(q *abi.KVGetBulkRequest) error {
	if err := checkInt32(q.CacheTTLS); err != nil {
		return err
	}
	switch n := len(q.Keys); {
	case n < 1:
		return failed(methodGetBulk, 400, "You must request a minimum of 1 key")
	case n > abi.KVBulkKeysMax:
		return failed(methodGetBulk, 400, "You can request a maximum of %d keys", abi.KVBulkKeysMax)
	}
	switch q.Type {
	case "", abi.KVText, abi.KVJSON:
	default:
		return failed(methodGetBulk, 400, `"%s" is not a valid type. Use "json" or "text"`, q.Type)
	}
	for _, key := range q.Keys {
		if key == "" {
			return failed(methodGetBulk, 400, "Key names must not be empty")
		}
		if err := checkName(methodGetBulk, string(key)); err != nil {
			return err
		}
	}
	return checkCacheTTL(methodGetBulk, q.CacheTTLS)
}

// bulkBytesMax is the most all values of one bulk get may have together.
const bulkBytesMax = abi.KVValueBytesMax

// checkPut checks all of a put but the length of its value.
func checkPut(q *abi.KVPutRequest, now int64) error {
	if err := checkInt32(q.ExpirationTTLS, q.Expiration); err != nil {
		return err
	}
	if err := checkKey(methodPut, string(q.Key)); err != nil {
		return err
	}
	if err := checkExpiration(q, now); err != nil {
		return err
	}
	return checkMetadata(q.Metadata)
}

// checkExpiration checks the time-to-live, or the expiration where there is none: the first hides the second.
func checkExpiration(q *abi.KVPutRequest, now int64) error {
	if ttl := q.ExpirationTTLS; ttl != nil {
		switch {
		case *ttl <= 0:
			return failed(methodPut, 400, "Invalid expiration_ttl of %d. Please specify integer greater than 0.", *ttl)
		case *ttl < abi.KVExpirationTTLMinS:
			return failed(methodPut, 400, "Invalid expiration_ttl of %d. Expiration TTL must be at least %d.", *ttl, abi.KVExpirationTTLMinS)
		}
		return nil
	}
	if at := q.Expiration; at != nil {
		switch {
		case *at <= now:
			return failed(methodPut, 400, "Invalid expiration of %d. Please specify integer greater than the current number of seconds since the UNIX epoch.", *at)
		case *at < now+abi.KVExpirationTTLMinS:
			return failed(methodPut, 400, "Invalid expiration of %d. Expiration times must be at least %d seconds in the future.", *at, abi.KVExpirationTTLMinS)
		}
	}
	return nil
}

// checkMetadata checks metadata where there is any.
func checkMetadata(metadata *abi.JSON) error {
	if metadata == nil {
		return nil
	}
	if n := len(*metadata); n > abi.KVMetadataBytesMax {
		return failed(methodPut, 413, "Metadata length of %d exceeds limit of %d.", n, abi.KVMetadataBytesMax)
	}
	if !json.Valid([]byte(*metadata)) {
		return refused("The metadata is not a JSON document.")
	}
	return nil
}

// isNull says that metadata is the JSON null, which means none.
func isNull(metadata abi.JSON) bool {
	return string(bytes.TrimSpace([]byte(metadata))) == "null"
}

// checkValueLength checks how long a value is.
func checkValueLength(n int) error {
	if n > abi.KVValueBytesMax {
		return failed(methodPut, 413, "Value length of %d exceeds limit of %d.", n, abi.KVValueBytesMax)
	}
	return nil
}

// checkList checks all of a list.
func checkList(q *abi.KVListRequest) error {
	if err := checkInt32(q.Limit); err != nil {
		return err
	}
	if q.Limit != nil && *q.Limit > abi.KVListLimitMax {
		return failed(methodGet, 400, "Invalid key_count_limit of %d. Please specify an integer less than %d.", *q.Limit, abi.KVListLimitMax)
	}
	return checkName(methodGet, string(q.Prefix))
}

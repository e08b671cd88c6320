package kv

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/pagesrun/pagesrun/abi"
)

// fileEntry is one item of a file for "kv bulk put", in wrangler's form.
type fileEntry struct {
	Key           *string         `json:"key"`
	Value         *string         `json:"value"`
	Expiration    *int64          `json:"expiration"`
	ExpirationTTL *int64          `json:"expiration_ttl"`
	Metadata      json.RawMessage `json:"metadata"`
	Base64        bool            `json:"base64"`
}

// ReadPuts reads a file for "kv bulk put": a JSON array of objects with key, value and optionally expiration, expiration_ttl, metadata and
// base64 (the value is then base64 text). All that is wrong with it comes back in one error, each problem with the index
// of its item.
func ReadPuts(r io.Reader) ([]*abi.KVPutRequest, error) {
	return readItems(r, func(raw json.RawMessage) (*abi.KVPutRequest, error) {
		var e fileEntry
		d := json.NewDecoder(bytes.NewReader(raw))
		d.DisallowUnknownFields()
		if err := d.Decode(&e); err != nil {
			return nil, plain(err)
		}
		return e.request()
	})
}

func (e *fileEntry) request() (*abi.KVPutRequest, error) {
	if e.Key == nil || e.Value == nil {
		return nil, errors.New(`"key" and "value" are required and must be strings`)
	}
	q := &abi.KVPutRequest{Key: abi.ByteString(*e.Key), Value: []byte(*e.Value), Expiration: e.Expiration, ExpirationTTLS: e.ExpirationTTL}
	if len(e.Metadata) > 0 {
		var compact bytes.Buffer
		if err := json.Compact(&compact, e.Metadata); err != nil {
			return nil, err
		}
		m := abi.JSON(compact.String())
		q.Metadata = &m
	}
	if e.Base64 {
		value, err := base64.StdEncoding.DecodeString(*e.Value)
		if err != nil {
			return nil, fmt.Errorf(`"value" is not base64: %w`, err)
		}
		q.Value = value
	}
	return q, nil
}

// ReadKeys reads a file for "kv bulk get" and "kv bulk delete": a JSON array of keys, each a string or an object with the key as its
// "name", as "kv key list" prints them.
func ReadKeys(r io.Reader) ([]abi.ByteString, error) {
	return readItems(r, func(raw json.RawMessage) (key abi.ByteString, err error) {
		if err := json.Unmarshal(raw, &key); err == nil && string(raw) != "null" {
			return key, nil
		}
		var named struct{ Name *abi.ByteString }
		if err := json.Unmarshal(raw, &named); err != nil || named.Name == nil {
			return "", errors.New(`must be a string, or an object whose "name" is one`)
		}
		return *named.Name, nil
	})
}

// readItems reads a JSON array and converts its items.
func readItems[T any](r io.Reader, convert func(json.RawMessage) (T, error)) ([]T, error) {
	var raw []json.RawMessage
	d := json.NewDecoder(r)
	if err := d.Decode(&raw); err != nil {
		return nil, fmt.Errorf("not a JSON array: %w", plain(err))
	}
	if _, err := d.Token(); err != io.EOF {
		return nil, errors.New("there is something after the JSON array")
	}
	items := make([]T, len(raw))
	var problems []error
	for i := range raw {
		item, err := convert(raw[i])
		if err != nil {
			problems = append(problems, fmt.Errorf("item %d: %w", i, err))
		}
		items[i] = item
	}
	return items, errors.Join(problems...)
}

// plain rewords the JSON package's errors for people who do not know Go.
func plain(err error) error {
	var wrongType *json.UnmarshalTypeError
	if errors.As(err, &wrongType) {
		if wrongType.Field == "" {
			return fmt.Errorf("found a JSON %s", wrongType.Value)
		}
		return fmt.Errorf("%q must not be a JSON %s", wrongType.Field, wrongType.Value)
	}
	return errors.New(string(bytes.TrimPrefix([]byte(err.Error()), []byte("json: "))))
}

// FileValue is one key of what "kv bulk get" prints. A value that is no UTF-8 is given as base64, marked so that "kv bulk put"
// understands it.
type FileValue struct {
	Value    *string         `json:"value"`
	Base64   bool            `json:"base64,omitempty"`
	Metadata json.RawMessage `json:"metadata,omitempty"`
}

// NewFileValue makes the printable form of a key; nil stands for a key that is not there.
func NewFileValue(e *abi.KVEntry) FileValue {
	if !e.Found {
		return FileValue{}
	}
	text := string(e.Value)
	v := FileValue{Value: &text}
	if !validText(e.Value) {
		text, v.Base64 = base64.StdEncoding.EncodeToString(e.Value), true
	}
	if e.Metadata != nil {
		v.Metadata = json.RawMessage(*e.Metadata)
	}
	return v
}

// FileKey is one key of what "kv key list" prints.
type FileKey struct {
	Name       string          `json:"name"`
	Expiration *int64          `json:"expiration,omitempty"`
	Metadata   json.RawMessage `json:"metadata,omitempty"`
}

// NewFileKey makes the printable form of a listed key.
func NewFileKey(k *abi.KVKey) FileKey {
	f := FileKey{Name: string(k.Name), Expiration: k.Expiration}
	if k.Metadata != nil {
		f.Metadata = json.RawMessage(*k.Metadata)
	}
	return f
}

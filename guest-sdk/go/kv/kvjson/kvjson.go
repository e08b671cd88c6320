// Package kvjson stores Go values in KV namespaces as JSON. It is separate from package kv because encoding/json and the reflection it
// needs add more than a megabyte to a function.
package kvjson

import (
	"encoding/json"

	"github.com/pagesrun/pagesrun/guest-sdk/go/kv"
)

// Get reads a key and decodes its value; ok is false when there is no such key.
func Get[T any](ns kv.Namespace, key string, options ...kv.GetOption) (value T, ok bool, err error) {
	ok, err = ns.GetFunc(key, func(b []byte) error { return json.Unmarshal(b, &value) }, options...)
	return value, ok, err
}

// Put encodes a value and stores it.
func Put(ns kv.Namespace, key string, value any, options ...kv.PutOption) error {
	b, err := json.Marshal(value)
	if err != nil {
		return err
	}
	return ns.Put(key, b, options...)
}

// Metadata encodes a value of at most 1024 bytes of JSON as the metadata of a write.
func Metadata(value any) (kv.PutOption, error) {
	b, err := json.Marshal(value)
	return kv.Metadata(string(b)), err
}

// ListMetadata decodes the metadata of a listed key; ok is false when it has none.
func ListMetadata[T any](key kv.Key) (value T, ok bool, err error) {
	if key.Metadata == "" {
		return value, false, nil
	}
	err = json.Unmarshal([]byte(key.Metadata), &value)
	return value, err == nil, err
}

package abi

// SecretsGetRequest reads a secret. The target is the secret's name.
//
//pagesrun:op secrets.get
//pagesrun:errors not_configured wrong_kind
type SecretsGetRequest struct{}

// SecretsGetReply is the value of a secret.
type SecretsGetReply struct {
	// Value is the secret's text.
	Value string `cbor:"1"`
}

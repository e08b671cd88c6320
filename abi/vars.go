package abi

// VarsGetRequest reads a variable. The target is the variable's name. A secret of that name answers too: to a guest
// variables and secrets are the same.
//
//pagesrun:op vars.get
//pagesrun:errors not_configured wrong_kind
type VarsGetRequest struct{}

// VarsGetReply is the value of a variable.
type VarsGetReply struct {
	// Value is the text of a string variable, or the JSON document of any other.
	Value string `cbor:"1"`
	// IsJSON says that the variable was configured as something else than a string (number, boolean, array, table) and
	// that Value is its JSON form.
	IsJSON bool `cbor:"2"`
}

// Package host reaches the seven host functions of the ABI. In a guest they are imports; in a native build, where there is no
// host, they fail with [abi.CodeUnsupported] until a test installs one.
//
// The functions mirror package abi's description of them one to one: a negative return is minus an [abi.Code].
package host

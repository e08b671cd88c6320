// Package hostfuncs is the host side of the ABI: the seven host functions, the handles and streams of one event, and the small
// [Binding] interface behind which every kind of resource lives.
//
// One folder below this one is one binding. A binding never sees guest memory: it is handed decoded requests and returns
// replies.
package hostfuncs

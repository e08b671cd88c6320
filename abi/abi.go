package abi

// Module is the import module name of the host functions.
const Module = "pagesrun_v1"

// The seven host functions of module [Module]. All of them block from the guest's point of view and none of them calls
// back into the guest. Pointers and lengths are unsigned 32-bit; a negative return is an error: minus a [Code].
const (
	// FuncCall starts an operation on a binding and returns its handle at once.
	//
	//	call(target_ptr, target_len, op_ptr, op_len, msg_ptr, msg_len i32) -> handle i32
	//
	// target is the binding's name in the configuration; the empty target is the runtime itself. op is an operation name
	// such as "kv.get". msg is the operation's request message. The bytes are copied before call returns. Problems with
	// the operation itself (unknown target, bad message, limits of the binding) arrive in its reply, never here. What is
	// refused here is a call beyond the event's own limits: too_many_handles and, once it has made as many calls as it may, limit_exceeded.
	// There is always room for the response.
	FuncCall = "call"
	// FuncWait blocks until one of the handles is ready.
	//
	//	wait(handles_ptr i32, n i32, timeout_ns i64) -> index i32
	//
	// handles is an array of n little-endian 32-bit handles. The index of the first ready one comes back. A negative
	// timeout waits for ever (until the event's own limit), zero polls. A call is ready when its reply can be taken, a readable
	// stream when read would not block, a writable stream when write would not block.
	FuncWait = "wait"
	// FuncResult takes the reply message of a finished call, or the event message with handle 0.
	//
	//	result(handle i32, ptr i32, cap i32) -> len i32
	//
	// When the message is longer than cap nothing is written or consumed and its length comes back, so the guest can try
	// again with a larger buffer. Otherwise the message is written and the handle is freed. A call that is not finished
	// yields would_block.
	FuncResult = "result"
	// FuncRead takes the next bytes of a readable stream.
	//
	//	read(stream i32, ptr i32, cap i32) -> n i32
	//
	// Zero means the end of the stream (or cap = 0); would_block means wait first.
	FuncRead = "read"
	// FuncWrite appends bytes to a writable stream.
	//
	//	write(stream i32, ptr i32, len i32) -> n i32
	//
	// n may be less than len: the stream took what it had room for. would_block means wait first; stream_closed means
	// nobody will read what is written.
	FuncWrite = "write"
	// FuncClose ends a handle and frees it.
	//
	//	close(handle i32, reason i32) -> 0 i32
	//
	// On a writable stream [CloseFinish] marks the regular end and [CloseAbort] makes its reader fail. On a readable stream and on a
	// call either reason says the guest has lost interest; an unfinished call is canceled.
	FuncClose = "close"
	// FuncLog writes one structured log line attributed to the running event.
	//
	//	log(level i32, ptr i32, len i32) -> 0 i32
	//
	// text is UTF-8; invalid sequences are replaced. Levels are [LogDebug] to [LogError].
	FuncLog = "log"
)

// Exports a guest may have.
const (
	// ExportInitialize is the WASI reactor start function, called once before the image is taken.
	ExportInitialize = "_initialize"
	// ExportWarm is application start-up before the image is taken. Optional. Only vars, secrets and log can be used in it.
	ExportWarm = "pagesrun_warm"
	// ExportHandle runs one event, taken with result(0, ...). The event ends when it returns.
	ExportHandle = "pagesrun_handle"
	// ExportStart marks a plain WASI command, served as CGI/1.1.
	ExportStart = "_start"
	// ExportMemory is the guest's linear memory.
	ExportMemory = "memory"
)

// Reasons for [FuncClose].
const (
	CloseFinish = 0
	CloseAbort  = 1
)

// Levels for [FuncLog].
const (
	LogDebug = 0
	LogInfo  = 1
	LogWarn  = 2
	LogError = 3
)

// HandleEvent is the handle of the event itself: result takes its message.
const HandleEvent Handle = 0

// Handle names a call or a stream within one event. Handles are positive, are never reused within an event, and mean nothing in another
// event. In messages a handle is a CBOR unsigned integer under tag [TagHandle], so that a host can find every handle
// in a message without knowing its schema.
//
// Putting a stream's handle into a message gives the stream away: the guest must not read, write or close it afterwards.
type Handle uint32

// TagHandle is the CBOR tag of a [Handle] in a message.
const TagHandle = 0x9072

// ByteString is text whose bytes are not promised to be UTF-8 (header values, URLs, keys). In messages it is a CBOR byte string.
type ByteString string

// JSON is a UTF-8 JSON document carried as CBOR text.
type JSON string

// Limits of the ABI itself. A host may set lower ones per event; these are the most any version 1 host accepts.
const (
	// MessageBytesMax is the most one message may have, in bytes: a 25 MiB value with room for everything around it.
	MessageBytesMax = 32 << 20
	// TargetBytesMax is the longest binding name, in bytes.
	TargetBytesMax = 256
	// OpBytesMax is the longest operation name, in bytes.
	OpBytesMax = 64
	// WaitHandlesMax is the most handles one wait may name.
	WaitHandlesMax = 1024
	// DepthMax is how deeply a message may nest.
	DepthMax = 16
	// ArrayItemsMax is the most items one array of a message may have.
	ArrayItemsMax = 65536
)

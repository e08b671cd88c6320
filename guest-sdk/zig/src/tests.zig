test {
    _ = @import("cbor_test.zig");
    _ = @import("d1_test.zig");
    _ = @import("event_test.zig");
    _ = @import("http_test.zig");
    _ = @import("kv_test.zig");
    _ = @import("memory.zig");
    _ = @import("queues_test.zig");
    _ = @import("stream_test.zig");
    _ = @import("vectors_test.zig");
}

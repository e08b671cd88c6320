test {
    _ = @import("vectors_test.zig");
}

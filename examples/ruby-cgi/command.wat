;; Makes a WASI command of CRuby as npm has it, which is a library for JavaScript: _start starts Ruby, loads the file that the first argument names, and
;; exits as it did. "ruby" is that library, and the memory is its.
(module
  (import "ruby" "memory" (memory 1))
  (import "ruby" "_initialize" (func $initialize))
  (import "ruby" "cabi_realloc" (func $realloc (param i32 i32 i32 i32) (result i32)))
  (import "ruby" "ruby-init: func(args: list<string>) -> ()" (func $ruby_init (param i32 i32)))
  (import "ruby" "rb-eval-string-protect: func(str: string) -> tuple<handle<rb-abi-value>, s32>" (func $eval (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "args_sizes_get" (func $args_sizes_get (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "args_get" (func $args_get (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "proc_exit" (func $proc_exit (param i32)))

  ;; What Ruby is told before the command's own arguments: its name, to read and write UTF-8, and to run nothing yet. Texts end with a zero byte, which their
  ;; lengths count.
  (data $options "ruby\00-EUTF-8\00-e0\00")
  (data $main "begin; load($0 = ARGV.shift); 0; rescue SystemExit => e; e.status; rescue Exception => e; $stderr.puts e.full_message(highlight: false); 1; ensure; $stdout.flush; end\00")

  (func $alloc (param $size i32) (result i32)
    (call $realloc (i32.const 0) (i32.const 0) (i32.const 8) (local.get $size)))

  ;; option copies a range of the options and puts its address and length at a place.
  (func $option (param $at i32) (param $from i32) (param $size i32)
    (local $p i32)
    (local.set $p (call $alloc (local.get $size)))
    (memory.init $options (local.get $p) (local.get $from) (local.get $size))
    (i32.store (local.get $at) (local.get $p))
    (i32.store offset=4 (local.get $at) (local.get $size)))

  ;; argument copies a text that ends with a zero byte, and puts its address and length at a place.
  (func $argument (param $at i32) (param $text i32)
    (local $size i32) (local $p i32)
    (loop $next
      (local.set $size (i32.add (local.get $size) (i32.const 1)))
      (br_if $next (i32.load8_u (i32.add (local.get $text) (i32.sub (local.get $size) (i32.const 1))))))
    (local.set $p (call $alloc (local.get $size)))
    (memory.copy (local.get $p) (local.get $text) (local.get $size))
    (i32.store (local.get $at) (local.get $p))
    (i32.store offset=4 (local.get $at) (local.get $size)))

  (func $start (export "_start")
    (local $sizes i32) (local $argc i32) (local $argv i32) (local $list i32) (local $i i32) (local $code i32) (local $result i32)
    (call $initialize)
    (local.set $sizes (call $alloc (i32.const 8)))
    (drop (call $args_sizes_get (local.get $sizes) (i32.add (local.get $sizes) (i32.const 4))))
    (local.set $argc (i32.load (local.get $sizes)))
    (local.set $argv (call $alloc (i32.mul (local.get $argc) (i32.const 4))))
    (drop (call $args_get (local.get $argv) (call $alloc (i32.load offset=4 (local.get $sizes)))))
    (local.set $list (call $alloc (i32.mul (i32.add (local.get $argc) (i32.const 2)) (i32.const 8))))
    (call $option (local.get $list) (i32.const 0) (i32.const 5))
    (call $option (i32.add (local.get $list) (i32.const 8)) (i32.const 5) (i32.const 8))
    (call $option (i32.add (local.get $list) (i32.const 16)) (i32.const 13) (i32.const 4))
    (local.set $i (i32.const 1))
    (block $end
      (loop $next
        (br_if $end (i32.ge_u (local.get $i) (local.get $argc)))
        (call $argument
          (i32.add (local.get $list) (i32.mul (i32.add (local.get $i) (i32.const 2)) (i32.const 8)))
          (i32.load (i32.add (local.get $argv) (i32.mul (local.get $i) (i32.const 4)))))
        (local.set $i (i32.add (local.get $i) (i32.const 1)))
        (br $next)))
    (call $ruby_init (local.get $list) (i32.add (local.get $argc) (i32.const 2)))
    (local.set $code (call $alloc (i32.const 167)))
    (memory.init $main (local.get $code) (i32.const 0) (i32.const 167))
    (local.set $result (call $eval (local.get $code) (i32.const 167)))
    ;; An integer of Ruby's is twice its value and one.
    (call $proc_exit
      (if (result i32) (i32.load offset=4 (local.get $result))
        (then (i32.const 1))
        (else (i32.shr_u (i32.load (local.get $result)) (i32.const 1)))))))

package toolchain

import (
	"path/filepath"
	"strings"
)

func (m *machine) checkGo() {
	get := []string{"every system:   https://go.dev/dl/", "macOS:          brew install go"}
	if !m.need("go", "compiles Go to WebAssembly", get...) {
		return
	}
	if version := m.output("go", "env", "GOVERSION"); len(version) > 2 && older(version[2:], 1, 26) {
		m.add("Go 1.26 or later is needed, this is "+version, get...)
	}
}

func (m *machine) checkRust() {
	rustup := "every system:   https://rustup.rs, then: rustup target add wasm32-wasip1"
	debian := "Debian, Ubuntu: apt-get install cargo rustc libstd-rust-dev-wasm32 lld-14"
	rustc := chosen("RUSTC", "rustc")
	cargo := m.need(chosen("CARGO", "cargo"), "builds Rust projects", rustup, debian)
	if !m.need(rustc, "compiles Rust to WebAssembly", rustup, debian) || !cargo {
		return
	}
	has := func(target string) bool {
		return ofPath(m.output(rustc, "--print", "target-libdir", "--target", target))
	}
	switch {
	case has("wasm32-wasip1"):
	case !has("wasm32-wasi"):
		m.add("the Rust compiler has no standard library for WebAssembly", "with rustup:    rustup target add wasm32-wasip1",
			"Debian, Ubuntu: apt-get install libstd-rust-dev-wasm32 lld-14")
	case chosen("CARGO_TARGET_WASM32_WASI_LINKER", "") == "" && !m.ownLinker(rustc):
		m.need("wasm-ld-14", "links for Debian's Rust compiler", "Debian, Ubuntu: apt-get install lld-14")
	}
}

// ownLinker says whether a Rust compiler brings a linker for WebAssembly along.
func (m *machine) ownLinker(rustc string) bool {
	found, _ := filepath.Glob(filepath.Join(m.output(rustc, "--print", "sysroot"), "lib/rustlib/*/bin/rust-lld"))
	return len(found) > 0
}

// checkC checks the compiler for C or C++, which variable chooses.
func (m *machine) checkC(variable, compiler, language string) {
	sdk := "every system:   the WASI SDK, https://github.com/WebAssembly/wasi-sdk/releases, and " + variable + "=/opt/wasi-sdk/bin/" +
		strings.TrimSuffix(compiler, "-19") + " in the environment"
	m.need("make", "runs the Makefile", "Debian, Ubuntu: apt-get install make", "macOS:          xcode-select --install")
	cc := chosen(variable, compiler)
	packages := "Debian, Ubuntu: apt-get install clang-19 lld-19 wasi-libc libclang-rt-19-dev-wasm32"
	if language == "C++" {
		packages += " libc++-19-dev-wasm32 libc++abi-19-dev-wasm32"
	}
	if !m.need(cc, "compiles "+language+" to WebAssembly", packages, sdk) {
		return
	}
	ask := func(args ...string) string { return m.output(append([]string{cc, "--target=wasm32-wasi"}, args...)...) }
	if !ofPath(ask("-print-prog-name=wasm-ld")) {
		m.add("wasm-ld is not there: it links for "+cc, "Debian, Ubuntu: apt-get install lld-19", sdk)
	}
	if !ofPath(ask("-print-file-name=libc.a")) {
		m.add("the C library for WebAssembly is not there", "Debian, Ubuntu: apt-get install wasi-libc", sdk)
	}
	if language == "C++" && !ofPath(ask("-print-file-name=libc++.a")) {
		m.add("the C++ library for WebAssembly is not there", "Debian, Ubuntu: apt-get install libc++-19-dev-wasm32 libc++abi-19-dev-wasm32", sdk)
	}
	if !ofPath(ask("--rtlib=compiler-rt", "-print-libgcc-file-name")) {
		m.add("the compiler's library for WebAssembly is not there", "Debian, Ubuntu: apt-get install libclang-rt-19-dev-wasm32", sdk)
	}
}

func (m *machine) checkAssemblyScript() {
	get := []string{"every system:   https://nodejs.org", "Debian, Ubuntu: apt-get install nodejs npm", "macOS:          brew install node"}
	node := m.need("node", "runs the AssemblyScript compiler", get...)
	npm := m.need("npm", "installs the AssemblyScript compiler", get...)
	if node {
		if version := m.output("node", "--version"); len(version) > 1 && older(version[1:], 20, 0) {
			m.add("Node.js 20 or later is needed, this is "+version, get[0])
		}
	}
	if !npm || exists(filepath.Join(m.dir, "node_modules", ".bin", "asc")) {
		return
	}
	if !m.need("asc", "compiles AssemblyScript to WebAssembly", "in the project: npm install") {
		m.missing[len(m.missing)-1].Setup = true
	}
}

func (m *machine) checkZig() {
	get := []string{"every system:   https://ziglang.org/download/", "macOS:          brew install zig@0.14",
		"with Python:    pip install ziglang==0.14.1, and \"python3 -m ziglang build\" as the build command"}
	if !m.need("zig", "compiles Zig to WebAssembly", get...) {
		return
	}
	if version := m.output("zig", "version"); version != "" && !strings.HasPrefix(version, "0.14.") {
		m.add("Zig 0.14 is needed, this is "+version, get...)
	}
}

package toolchain

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
)

// signs are files at the top of a project that say its language, those of more special tools first.
var signs = []struct{ file, language string }{
	{"Cargo.toml", "rust"}, {"build.zig", "zig"}, {"go.mod", "go"},
}

// words in a build command that say the language, when no file does.
var words = []struct {
	pattern  *regexp.Regexp
	language string
}{
	{regexp.MustCompile(`\bgo (build|generate)\b`), "go"},
	{regexp.MustCompile(`\b(cargo|rustc)\b`), "rust"},
	{regexp.MustCompile(`\bzig\b`), "zig"},
	{regexp.MustCompile(`\basc\b`), "assemblyscript"},
	{regexp.MustCompile(`\b(clang|g)\+\+`), "cpp"},
	{regexp.MustCompile(`\b(clang|gcc)\b`), "c"},
}

// Detect says which language a project is in, by the files in dir and src below it and by its build command; empty when nothing says so.
func Detect(dir, command string) string {
	for _, sign := range signs {
		if exists(filepath.Join(dir, sign.file)) {
			return sign.language
		}
	}
	if data, err := os.ReadFile(filepath.Join(dir, "package.json")); err == nil && strings.Contains(string(data), `"assemblyscript"`) {
		return "assemblyscript"
	}
	for _, word := range words {
		if word.pattern.MatchString(command) {
			return word.language
		}
	}
	for _, source := range []struct{ pattern, language string }{{"*.cc", "cpp"}, {"*.cpp", "cpp"}, {"*.c", "c"}} {
		for _, folder := range []string{"", "src"} {
			if found, _ := filepath.Glob(filepath.Join(dir, folder, source.pattern)); len(found) > 0 {
				return source.language
			}
		}
	}
	return ""
}

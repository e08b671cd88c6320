package config

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// pagesEnvironments are the only environments a Pages project can have.
var pagesEnvironments = []string{"preview", "production"}

// checkPages checks what only holds for Pages projects. Cloudflare does so at deployment; pagesrun does before it serves.
func (f *file) checkPages() {
	dir := f.root.Get("pages_build_output_dir")
	if main := present(f.root.Get("main")); main != nil {
		f.problems.Add(main.Pos, "main", `Configuration file cannot contain both "main" and "pages_build_output_dir"`)
	}
	if present(f.root.Get("name")) == nil {
		f.problems.Add(dir.Pos, "name", `Missing top-level field "name" in configuration file: a Pages project must have one`)
	}
	f.checkPagesKeys(f.root, "")
	if all := f.root.Get("env"); all != nil {
		for _, e := range all.Table {
			path := joinPath("env", e.Key)
			if !slices.Contains(pagesEnvironments, e.Key) {
				f.problems.Add(e.Pos, path, `a Pages project can only have the environments "preview" and "production"`)
			}
			f.checkPagesKeys(e.Value, path)
		}
	}
}

// checkPagesKeys reports known keys that Pages projects cannot have.
func (f *file) checkPagesKeys(table *Node, path string) {
	for _, e := range table.Table {
		r := f.keys.byName[e.Key]
		switch {
		case r == nil:
		case !r.pages:
			f.pagesUnsupported(e.Pos, joinPath(path, e.Key), e.Key)
		case e.Key == "queues" && e.Value.Get("consumers") != nil:
			f.pagesUnsupported(e.Value.Get("consumers").Pos, joinPath(path, "queues.consumers"), "queues.consumers")
		}
	}
}

func (f *file) pagesUnsupported(pos Pos, path, key string) {
	f.problems.Add(pos, path, "Configuration file for Pages projects does not support %q", key)
}

// pagesVars are the variables a Pages project is given, at pos. branch and commit may be empty.
func pagesVars(name, branch, commit string, pos Pos) []Entry {
	if branch == "" {
		branch = "local"
	}
	if commit == "" {
		commit = strings.Repeat("0", 40)
	}
	values := [][2]string{
		{"CF_PAGES", "1"},
		{"CF_PAGES_BRANCH", branch},
		{"CF_PAGES_COMMIT_SHA", commit},
		{"CF_PAGES_URL", fmt.Sprintf("https://%s.%s.pages.dev", commit[:min(8, len(commit))], name)},
	}
	entries := make([]Entry, len(values))
	for i, v := range values {
		entries[i] = Entry{Key: v[0], Pos: pos, Value: &Node{Kind: KindString, Str: v[1], Pos: pos}}
	}
	return entries
}

// maxGitBytes is the largest file of a repository [GitHead] reads.
const maxGitBytes = 1 << 20

// commitPattern is a commit's name: SHA-1 or SHA-256.
var commitPattern = regexp.MustCompile(`^(?:[0-9a-f]{40}|[0-9a-f]{64})$`)

// GitHead gives the branch and the commit checked out in dir or the nearest directory above it that has a .git, both empty when
// there is none. The branch is "HEAD" where no branch is checked out; the commit is empty before the first one. It is meant for
// [Options.Git].
func GitHead(dir string) (branch, commit string) {
	git := findGit(dir)
	if git == "" {
		return "", ""
	}
	head := readGit(git, "HEAD")
	ref, isRef := strings.CutPrefix(head, "ref: ")
	if !isRef || !filepath.IsLocal(ref) {
		return "HEAD", onlyCommit(head)
	}
	branch = strings.TrimPrefix(ref, "refs/heads/")
	for _, place := range []string{git, commonGit(git)} {
		if commit = onlyCommit(readGit(place, ref)); commit != "" {
			return branch, commit
		}
	}
	return branch, packedCommit(readGit(commonGit(git), "packed-refs"), ref)
}

// findGit gives the repository's directory for dir, following the file that stands for it in a worktree.
func findGit(dir string) string {
	at, err := filepath.Abs(dir)
	if err != nil {
		return ""
	}
	for {
		path := filepath.Join(at, ".git")
		if info, err := os.Stat(path); err == nil {
			if info.IsDir() {
				return path
			}
			return fromPointer(at, strings.TrimPrefix(readGit(at, ".git"), "gitdir: "))
		}
		if at == filepath.Dir(at) {
			return ""
		}
		at = filepath.Dir(at)
	}
}

// commonGit gives the directory that holds the branches of all worktrees of a repository.
func commonGit(git string) string {
	if pointer := readGit(git, "commondir"); pointer != "" {
		return fromPointer(git, pointer)
	}
	return git
}

func fromPointer(base, path string) string {
	if filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(base, path)
}

// readGit gives the trimmed text of a repository's file, empty when it cannot be read.
func readGit(dir, name string) string {
	path := filepath.Join(dir, name)
	info, err := os.Stat(path)
	if err != nil || !info.Mode().IsRegular() || info.Size() > maxGitBytes {
		return ""
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(data))
}

func packedCommit(packed, ref string) string {
	for line := range strings.Lines(packed) {
		if commit, name, _ := strings.Cut(strings.TrimSpace(line), " "); name == ref {
			return onlyCommit(commit)
		}
	}
	return ""
}

// onlyCommit is s when it is a commit's name, and empty otherwise.
func onlyCommit(s string) string {
	if commitPattern.MatchString(s) {
		return s
	}
	return ""
}

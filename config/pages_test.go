package config

import (
	"path/filepath"
	"strings"
	"testing"
)

func TestGitHead(t *testing.T) {
	sha, other := strings.Repeat("0123456789", 4), strings.Repeat("ab", 20)
	cases := []struct {
		name           string
		files          map[string]string
		branch, commit string
	}{
		{"no repository", map[string]string{"work/x": ""}, "", ""},
		{"a branch with its own file", map[string]string{".git/HEAD": "ref: refs/heads/feature/x\n", ".git/refs/heads/feature/x": sha + "\n"}, "feature/x", sha},
		{"a packed branch", map[string]string{".git/HEAD": "ref: refs/heads/main\n", ".git/packed-refs": "# pack-refs\n" + other + " refs/heads/mainly\n" + sha + " refs/heads/main\n"}, "main", sha},
		{"its own file beats the packed one", map[string]string{".git/HEAD": "ref: refs/heads/main", ".git/packed-refs": other + " refs/heads/main", ".git/refs/heads/main": sha}, "main", sha},
		{"no commit yet", map[string]string{".git/HEAD": "ref: refs/heads/main\n"}, "main", ""},
		{"no branch", map[string]string{".git/HEAD": sha + "\n"}, "HEAD", sha},
		{"nonsense", map[string]string{".git/HEAD": "what is this"}, "HEAD", ""},
		{"a reference that leaves the repository", map[string]string{".git/HEAD": "ref: ../secret", "secret": sha}, "HEAD", ""},
		{"a worktree", map[string]string{"work/.git": "gitdir: ../main/.git/worktrees/w\n", "main/.git/worktrees/w/HEAD": "ref: refs/heads/w\n",
			"main/.git/worktrees/w/commondir": "../..\n", "main/.git/refs/heads/w": sha}, "w", sha},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			for path, text := range c.files {
				writeFile(t, filepath.Join(dir, path), text)
			}
			writeFile(t, filepath.Join(dir, "work/sub/x"), "")
			branch, commit := GitHead(filepath.Join(dir, "work/sub"))
			if branch != c.branch || commit != c.commit {
				t.Errorf("got %q %q, want %q %q", branch, commit, c.branch, c.commit)
			}
		})
	}
}

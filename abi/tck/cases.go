package tck

import (
	"embed"
	"path"
	"strings"
)

//go:embed cases/*.case
var caseFiles embed.FS

// Cases gives the files of the kit, in the order of their names.
func Cases() ([]*File, error) {
	entries, err := caseFiles.ReadDir("cases")
	if err != nil {
		return nil, err
	}
	var files []*File
	for _, e := range entries {
		content, err := caseFiles.ReadFile(path.Join("cases", e.Name()))
		if err != nil {
			return nil, err
		}
		f, err := Parse(strings.TrimSuffix(e.Name(), ".case"), string(content))
		if err != nil {
			return nil, err
		}
		files = append(files, f)
	}
	return files, nil
}

// Only gives the file with those of its cases whose sentence contains text; all of them when the file's name or group does, nil when there is none.
func (f *File) Only(text string) *File {
	if strings.Contains(f.Name, text) || strings.Contains(f.Group, text) {
		return f
	}
	chosen := *f
	chosen.Cases = nil
	for _, c := range f.Cases {
		if strings.Contains(c.Name, text) {
			chosen.Cases = append(chosen.Cases, c)
		}
	}
	if len(chosen.Cases) == 0 {
		return nil
	}
	return &chosen
}

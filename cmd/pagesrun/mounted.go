package main

import (
	"io/fs"
	"path/filepath"
)

// watchedMountedMax is how many mounted files "pagesrun dev" watches: enough for a program's scripts, and not all of a library.
const watchedMountedMax = 1000

// mountedFiles are the first of the files that are mounted, in the order of the mounts and of their names. What a function has read of them at start-up is in
// its image.
func (p *project) mountedFiles() []string {
	var files []string
	for _, m := range p.cfg.Pagesrun.Mounts {
		filepath.WalkDir(m.Host, func(path string, d fs.DirEntry, err error) error {
			if len(files) == watchedMountedMax {
				return fs.SkipAll
			}
			if err == nil && d.Type().IsRegular() {
				files = append(files, path)
			}
			return nil
		})
	}
	return files
}

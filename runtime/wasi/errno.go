package wasi

import (
	"errors"
	"io/fs"
	"syscall"
)

// errno values of WASI preview 1.
const (
	success     = 0
	tooBig      = 1
	acces       = 2
	badf        = 8
	exist       = 20
	fault       = 21
	ilseq       = 25
	inval       = 28
	ioError     = 29
	isDir       = 31
	loop        = 32
	mfile       = 33
	nameTooLong = 37
	nfile       = 41
	noEnt       = 44
	notDir      = 54
	notSup      = 58
	overflow    = 61
	roFS        = 69
	spipe       = 70
	notCapable  = 76
)

// errnoOf gives the errno for an error of the host's file system. What has no counterpart is an I/O error.
func errnoOf(err error) uint32 {
	for _, e := range []struct {
		host  error
		guest uint32
	}{
		{fs.ErrNotExist, noEnt}, {fs.ErrPermission, acces}, {syscall.ENOTDIR, notDir}, {syscall.EISDIR, isDir}, {syscall.ELOOP, loop},
		{syscall.ENAMETOOLONG, nameTooLong}, {syscall.EINVAL, inval}, {syscall.EMFILE, nfile}, {syscall.ENFILE, nfile},
	} {
		if errors.Is(err, e.host) {
			return e.guest
		}
	}
	var path *fs.PathError
	if errors.As(err, &path) && path.Err.Error() == "path escapes from parent" { // os.Root has no exported error for it
		return notCapable
	}
	return ioError
}

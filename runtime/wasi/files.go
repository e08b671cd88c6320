package wasi

import (
	"context"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
)

// exportFiles makes the functions on directories and sockets importable. There are none, so every descriptor is a bad one; nothing of what else
// the guest passes is looked at.
func exportFiles(b wazero.HostModuleBuilder) {
	for name, params := range map[string][]api.ValueType{
		"fd_prestat_get":          {i32, i32},
		"fd_prestat_dir_name":     {i32, i32, i32},
		"fd_readdir":              {i32, i32, i32, i64, i32},
		"path_create_directory":   {i32, i32, i32},
		"path_filestat_get":       {i32, i32, i32, i32, i32},
		"path_filestat_set_times": {i32, i32, i32, i32, i64, i64, i32},
		"path_link":               {i32, i32, i32, i32, i32, i32, i32},
		"path_open":               {i32, i32, i32, i32, i32, i64, i64, i32, i32},
		"path_readlink":           {i32, i32, i32, i32, i32, i32},
		"path_remove_directory":   {i32, i32, i32},
		"path_rename":             {i32, i32, i32, i32, i32, i32},
		"path_symlink":            {i32, i32, i32, i32, i32},
		"path_unlink_file":        {i32, i32, i32},
		"sock_accept":             {i32, i32, i32},
		"sock_recv":               {i32, i32, i32, i32, i32, i32},
		"sock_send":               {i32, i32, i32, i32, i32},
		"sock_shutdown":           {i32, i32},
	} {
		b.NewFunctionBuilder().WithGoModuleFunction(api.GoModuleFunc(noFile), params, []api.ValueType{i32}).Export(name)
	}
}

func noFile(ctx context.Context, _ api.Module, stack []uint64) {
	processOf(ctx)
	stack[0] = badf
}

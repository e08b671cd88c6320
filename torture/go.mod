module github.com/pagesrun/pagesrun/torture

go 1.26.8

require github.com/hanwen/go-fuse/v2 v2.12.1

require golang.org/x/sys v0.49.0

replace github.com/pagesrun/pagesrun => ..

require (
	github.com/ncruces/go-sqlite3 v0.35.6
	github.com/pagesrun/pagesrun v0.0.0
)

require (
	github.com/ncruces/go-sqlite3-wasm/v6 v6.3.35304 // indirect
	github.com/ncruces/julianday v1.0.0 // indirect
)

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"time"
)

const peersShopDefinition = `A small shop: pages from a template, JSON, joins in D1, baskets in KV, and a queue whose consumer confirms orders in batches; in Go (bench/peers/shop) and in Rust
(bench/guests/languages/rust/shop) on pagesrun, and in JavaScript on Miniflare (bench/peers/miniflare/shop.js). Their answers are compared byte for byte first. Of ten requests five are
pages, three JSON, one fills a basket and one checks out; 8 connections of wrk. pagesrun answers a write when it is synced to the disk, "relaxed" when the system has it. Templates: html/template
in Go, askama in Rust, a template literal in JavaScript. CPU per request and RSS are of all processes of a server.`

// measurePeersShop compares a whole application.
func measurePeersShop(ctx context.Context, b *bench) (rows []row, err error) {
	if err := b.buildShop(); err != nil {
		return nil, err
	}
	servers, missed, err := fillAll(b.shopSides(), openShop)
	defer func() {
		for _, s := range servers {
			err = errors.Join(err, s.stop())
		}
	}()
	if err == nil {
		err = sameShops(servers)
	}
	if err != nil {
		return missed, err
	}
	p := pressure{connections: 8, path: "/", script: filepath.Join(b.root, "bench", "peers", "shop.lua")}
	rows, err = b.operate(ctx, servers, comparison{name: "shop", plot: plotShop, goal: atLeast(2), rounds: 5}, p)
	if err != nil {
		return missed, err
	}
	memory, err := residentRows(servers)
	return append(append(rows, memory...), missed...), err
}

// shopSides are the shops.
func (b *bench) shopSides() []bindingsSide {
	sides := b.durabilities("pagesrun, Go", goShop)
	for _, side := range b.durabilities("pagesrun, Rust", rustShop) {
		serve := side.command
		side.optional = true
		side.command = func() (func(string) *exec.Cmd, error) {
			if err := b.buildRustShop(); err != nil {
				return nil, err
			}
			return serve()
		}
		sides = append(sides, side)
	}
	return append(sides, b.miniflareSide("shop.js", "shop"))
}

// The modules of the shop.
const (
	goShop   = "shop"
	rustShop = "shop-rust"
)

// buildRustShop compiles the shop in Rust, once. What the compiler made is kept in .tools for the next run.
func (b *bench) buildRustShop() error {
	out := filepath.Join(b.work, rustShop+".wasm")
	if _, err := os.Stat(out); err == nil {
		return nil
	}
	_, err := b.script(&languageFigures{language: language{name: "Rust", folder: "rust"}}, filepath.Join(b.root, ".tools", "rust-shop"), "shop", out)
	return err
}

// buildShop compiles the shop in Go.
func (b *bench) buildShop() error {
	build := exec.Command("go", "build", "-buildmode=c-shared", "-trimpath", "-ldflags=-s", "-o", filepath.Join(b.work, goShop+".wasm"), "./shop")
	build.Dir = filepath.Join(b.root, "bench", "peers")
	build.Env = append(os.Environ(), "GOOS=wasip1", "GOARCH=wasm", "CGO_ENABLED=0")
	if text, err := build.CombinedOutput(); err != nil {
		return fmt.Errorf("build bench/peers/shop: %w %s", err, text)
	}
	return nil
}

// openShop has a server make the shop's tables.
func openShop(s *server) error {
	_, err := visit(s, http.MethodPost, "setup")
	return err
}

// shopVisits are what two shops must answer the same.
var shopVisits = []struct{ method, path string }{
	{http.MethodGet, "products?k=3"}, {http.MethodGet, "api/product?k=17"}, {http.MethodPost, "basket?k=5"}, {http.MethodPost, "basket?k=199"},
	{http.MethodGet, "products?k=9"}, {http.MethodPost, "checkout"}, {http.MethodGet, "products?k=0"},
}

// sameShops visits every shop and compares what they answer.
func sameShops(servers []bindingsServer) error {
	for _, v := range shopVisits {
		var want string
		for i, s := range servers {
			got, err := visit(s.server, v.method, v.path)
			if err != nil {
				return fmt.Errorf("%s: %w", s.name, err)
			}
			if i == 0 {
				want = got
			}
			if got != want {
				at := differ(want, got)
				return fmt.Errorf("%s /%s: from byte %d %s answers %.100q, %s answers %.100q", v.method, v.path, at, servers[0].name, want[at:], s.name, got[at:])
			}
		}
	}
	return nil
}

// differ is the first place at which two texts are not the same.
func differ(a, b string) (at int) {
	for at < min(len(a), len(b)) && a[at] == b[at] {
		at++
	}
	return at
}

// visit makes a request of a customer and gives the body of the answer, which must be a 200.
func visit(s *server, method, path string) (string, error) {
	req, err := http.NewRequest(method, s.url+path, nil)
	if err != nil {
		return "", err
	}
	req.Header.Set("Cookie", "session=first")
	resp, err := (&http.Client{Timeout: time.Minute}).Do(req)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err == nil && resp.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s /%s: it answered %d: %.200s", method, path, resp.StatusCode, body)
	}
	return string(body), err
}

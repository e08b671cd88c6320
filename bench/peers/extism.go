package main

import (
	"context"
	"fmt"
	"net/http"

	extism "github.com/extism/go-sdk"
	"github.com/pagesrun/pagesrun/abi"
	"github.com/tetratelabs/wazero"
)

// extismEngine is Extism's host SDK. A plug-in gets the URL as input and gives the body as output.
type extismEngine struct{ plugin *extism.CompiledPlugin }

func newExtism(ctx context.Context, module []byte) (*extismEngine, error) {
	manifest := extism.Manifest{Wasm: []extism.Wasm{extism.WasmData{Data: module}}}
	plugin, err := extism.NewCompiledPlugin(ctx, manifest, extism.PluginConfig{EnableWasi: true, RuntimeConfig: wazero.NewRuntimeConfigCompiler()}, nil)
	if err != nil {
		return nil, err
	}
	return &extismEngine{plugin}, nil
}

func (e *extismEngine) instance(ctx context.Context) (instance, error) {
	p, err := e.plugin.Instance(ctx, extism.PluginInstanceConfig{})
	if err != nil {
		return nil, err
	}
	return &extismInstance{p}, nil
}

type extismInstance struct{ plugin *extism.Plugin }

func (in *extismInstance) handle(ctx context.Context, ev *abi.FetchEvent) (abi.RespondRequest, error) {
	exit, body, err := in.plugin.CallWithContext(ctx, "hello", []byte(ev.URL))
	if err == nil && exit != 0 {
		err = fmt.Errorf("the plug-in ended with %d", exit)
	}
	return abi.RespondRequest{
		Status:  http.StatusOK,
		Headers: []abi.Header{{Name: "content-type", Value: "text/plain; charset=utf-8"}},
		Body:    append([]byte(nil), body...),
	}, err
}

func (in *extismInstance) close(ctx context.Context) error { return in.plugin.CloseWithContext(ctx) }

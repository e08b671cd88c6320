// Package bindings lists every kind of binding that pagesrun has. Adding one is adding a line to [All].
package bindings

import (
	"github.com/pagesrun/pagesrun/hostfuncs"
	"github.com/pagesrun/pagesrun/hostfuncs/analytics"
	"github.com/pagesrun/pagesrun/hostfuncs/cron"
	"github.com/pagesrun/pagesrun/hostfuncs/d1"
	"github.com/pagesrun/pagesrun/hostfuncs/kv"
	"github.com/pagesrun/pagesrun/hostfuncs/queues"
	"github.com/pagesrun/pagesrun/hostfuncs/secrets"
	"github.com/pagesrun/pagesrun/hostfuncs/vars"
)

// All gives the bindings in the order in which they are decoded, opened and shown.
func All() []hostfuncs.Binding {
	return []hostfuncs.Binding{
		vars.New(),
		secrets.New(),
		kv.New(),
		d1.New(),
		queues.New(),
		cron.New(),
		analytics.New(),
	}
}

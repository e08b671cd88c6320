package hostfuncs

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/pagesrun/pagesrun/abi"
	"github.com/pagesrun/pagesrun/config"
	"github.com/pagesrun/pagesrun/hostfuncs/internal/datadir"
	"github.com/prometheus/client_golang/prometheus"
)

// Registry holds the opened bindings of one application: what a guest's calls can reach.
type Registry struct {
	targets map[string]*target
	lives   []Live
	infos   []abi.BindingInfo
	metrics *operationMetrics
}

// target is one binding name.
type target struct {
	name string
	kind string
	ops  map[string]*boundOperation
}

// boundOperation is an operation with its metric children resolved.
type boundOperation struct {
	Operation
	ok     prometheus.Counter
	failed *prometheus.CounterVec
}

// operationMetrics counts what guests ask of bindings.
type operationMetrics struct{ total *prometheus.CounterVec }

func newOperationMetrics(reg prometheus.Registerer) (*operationMetrics, error) {
	total := prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "pagesrun_operations_total",
		Help: "Operations of bindings by kind, operation and result code.",
	}, []string{"kind", "operation", "code"})
	if err := reg.Register(total); err != nil {
		var already prometheus.AlreadyRegisteredError
		if !errors.As(err, &already) {
			return nil, err
		}
		total = already.ExistingCollector.(*prometheus.CounterVec)
	}
	return &operationMetrics{total: total}, nil
}

func (m *operationMetrics) bind(kind string, op Operation) *boundOperation {
	vec := m.total.MustCurryWith(prometheus.Labels{"kind": kind, "operation": op.Name})
	return &boundOperation{Operation: op, ok: vec.WithLabelValues("ok"), failed: vec}
}

// Sections lists the configuration keys that bindings decode.
func Sections(bindings []Binding) []string {
	var keys []string
	for _, b := range bindings {
		keys = append(keys, b.Sections()...)
	}
	return keys
}

// Decode runs the first moment of every binding: it decodes their sections and checks that no two bindings share a name.
// The result is parallel to bindings.
func Decode(bindings []Binding, cfg *config.Config) ([][]Resource, config.Problems) {
	var problems config.Problems
	resources := make([][]Resource, len(bindings))
	var uses []config.BindingUse
	for i, b := range bindings {
		found, ps := b.Decode(cfg)
		resources[i] = found
		problems = append(problems, ps...)
		for _, r := range found {
			if r.BindingName() == "" {
				continue
			}
			uses = append(uses, config.BindingUse{Name: r.BindingName(), Kind: b.Kind(), Pos: r.Position()})
		}
	}
	return resources, append(problems, cfg.CheckBindings(uses)...)
}

// Open runs the second moment: it opens every binding that has resources or is [Permanent]. resources comes from [Decode]. When one fails, those
// already open are closed again.
func Open(ctx context.Context, bindings []Binding, resources [][]Resource, host Host) (*Registry, error) {
	if err := CheckDataDir(host.DataDir); err != nil {
		return nil, err
	}
	metrics, err := newOperationMetrics(host.Metrics)
	if err != nil {
		return nil, err
	}
	if host.Shared == nil {
		host.Shared = NewShared()
	}
	reg := &Registry{targets: map[string]*target{}, metrics: metrics}
	for i, b := range bindings {
		if len(resources[i]) == 0 && !permanent(b) {
			continue
		}
		if err := reg.open(ctx, b, resources[i], host); err != nil {
			return nil, errors.Join(fmt.Errorf("open %s: %w", b.Kind(), err), reg.Close(ctx))
		}
	}
	slices.SortFunc(reg.infos, func(a, b abi.BindingInfo) int { return strings.Compare(a.Name, b.Name) })
	return reg, nil
}

// CheckDataDir refuses a data directory that was written by a newer version of pagesrun, in a way that this one would misread. A directory that does not exist
// yet is fine.
func CheckDataDir(dir string) error { return datadir.Check(dir) }

func (r *Registry) open(ctx context.Context, b Binding, resources []Resource, host Host) error {
	kind := b.Kind()
	host.Log = host.Log.With("binding", kind)
	host.DataDir = filepath.Join(host.DataDir, kind)
	if owner, ok := b.(Storer); ok && owner.Stores() {
		if err := errors.Join(datadir.Make(host.DataDir), datadir.Stamp(filepath.Dir(host.DataDir))); err != nil {
			return err
		}
	}
	live, err := b.Open(ctx, host, resources)
	if err != nil {
		return err
	}
	r.lives = append(r.lives, live)
	ops := map[string]*boundOperation{}
	for _, op := range live.Operations() {
		ops[op.Name] = r.metrics.bind(kind, op)
	}
	for _, res := range resources {
		name := res.BindingName()
		if name == "" {
			continue
		}
		r.targets[name] = &target{name: name, kind: kind, ops: ops}
		r.infos = append(r.infos, abi.BindingInfo{Name: name, Kind: kind})
	}
	return nil
}

// Storer is a binding that keeps files. Its data directory is made before Open; without it Host.DataDir may not exist.
type Storer interface {
	// Stores says whether the binding keeps files.
	Stores() bool
}

// Permanent is a binding that is opened even when nothing is configured for it, because it has [Routes] that are of use without.
type Permanent interface {
	// Permanent says whether it is.
	Permanent() bool
}

func permanent(b Binding) bool {
	p, ok := b.(Permanent)
	return ok && p.Permanent()
}

// Bindings lists what is configured, in the order of names.
func (r *Registry) Bindings() []abi.BindingInfo { return r.infos }

// names lists what is configured for a log line: "TODO_LIST (kv), TITLE (vars)".
func (r *Registry) names() string {
	if len(r.infos) == 0 {
		return "nothing; add bindings to the configuration file or with flags such as --kv NAME"
	}
	list := make([]string, len(r.infos))
	for i, b := range r.infos {
		list[i] = b.Name + " (" + b.Kind + ")"
	}
	return strings.Join(list, ", ")
}

// Close runs the last moment of every open binding, in reverse order.
func (r *Registry) Close(ctx context.Context) error {
	var errs []error
	for _, live := range slices.Backward(r.lives) {
		errs = append(errs, live.Close(ctx))
	}
	r.lives = nil
	return errors.Join(errs...)
}

// find resolves a call's target and operation, or says in the guest's words why it cannot.
func (r *Registry) find(target, operation []byte) (*target, *boundOperation, *abi.Error) {
	t, ok := r.targets[string(target)]
	if !ok {
		return nil, nil, &abi.Error{Code: abi.CodeNotConfigured, Message: "no binding named " + quote(string(target)) + " is configured"}
	}
	if o, ok := t.ops[string(operation)]; ok {
		return t, o, nil
	}
	name, op := string(target), string(operation)
	if kind, _, _ := strings.Cut(op, "."); kind != t.kind {
		return nil, nil, &abi.Error{Code: abi.CodeWrongKind, Message: quote(name) + " is a binding of kind " + t.kind + " and has no operation " + quote(op)}
	}
	return nil, nil, &abi.Error{Code: abi.CodeUnknownOperation, Message: "this version of pagesrun has no operation " + quote(op)}
}

// quote shows guest text in a message, bounded and made printable.
func quote(s string) string {
	if len(s) > 64 {
		s = s[:64] + "…"
	}
	return fmt.Sprintf("%q", s)
}

package secrets

import (
	"context"
	"encoding/json"

	"github.com/pagesrun/pagesrun/abi"
	"github.com/pagesrun/pagesrun/config"
	"github.com/pagesrun/pagesrun/hostfuncs"
)

const (
	// Kind is the binding's name.
	Kind = "secrets"
	// CountMax is the most secrets an application may have; the limit for variables counts them in.
	CountMax = 128
	// BytesMax is the longest secret, in bytes.
	BytesMax = 5 << 10
)

// New makes the binding.
func New() hostfuncs.Binding { return binding{} }

type binding struct{}

// Kind is the binding's name.
func (binding) Kind() string { return Kind }

// Sections are the configuration keys the binding decodes: none, as the table "secrets" only says which are required.
func (binding) Sections() []string { return nil }

// secret is one secret.
type secret config.Secret

// BindingName is the secret's name.
func (s *secret) BindingName() string { return s.Name }

// Position is where the secret was written.
func (s *secret) Position() config.Pos { return s.Pos }

// Describe hides the value.
func (s *secret) Describe() string { return "(hidden)" }

// Environ is the value as an environment variable.
func (s *secret) Environ() string { return s.Value }

// String hides the value from whoever prints the secret by mistake.
func (s *secret) String() string { return s.Name + " (hidden)" }

// GoString hides the value from %#v too.
func (s *secret) GoString() string { return s.String() }

// MarshalJSON hides the value from JSON logs.
func (s *secret) MarshalJSON() ([]byte, error) { return json.Marshal(s.String()) }

// Decode takes the secrets that were loaded with the configuration.
func (binding) Decode(c *config.Config) ([]hostfuncs.Resource, config.Problems) {
	var problems config.Problems
	resources := make([]hostfuncs.Resource, len(c.Secrets))
	for i, s := range c.Secrets {
		if n := len(s.Value); n > BytesMax {
			problems.Add(s.Pos, s.Name, "must have at most %d bytes, not %d", BytesMax, n)
		}
		if n := len(s.Name); n > abi.TargetBytesMax {
			problems.Add(s.Pos, "", "a name must have at most %d bytes, not %d", abi.TargetBytesMax, n)
		}
		hidden := secret(s)
		resources[i] = &hidden
	}
	if n := len(c.Secrets); n > CountMax {
		problems.Add(c.Secrets[CountMax].Pos, "", "at most %d secrets are allowed, and there are %d", CountMax, n)
	}
	return resources, problems
}

// live answers for the secrets of one application.
type live struct{ values map[string]string }

// Open makes the secrets readable.
func (binding) Open(_ context.Context, _ hostfuncs.Host, resources []hostfuncs.Resource) (hostfuncs.Live, error) {
	l := &live{values: make(map[string]string, len(resources))}
	for _, r := range resources {
		s := r.(*secret)
		l.values[s.Name] = s.Value
	}
	return l, nil
}

// Operations are what guests can ask for.
func (l *live) Operations() []hostfuncs.Operation {
	return []hostfuncs.Operation{
		hostfuncs.Op(abi.OpSecretsGet, l.get),
		hostfuncs.Op(abi.OpVarsGet, l.getVar),
	}
}

func (l *live) get(_ context.Context, call *hostfuncs.Call, _ *abi.SecretsGetRequest) (abi.SecretsGetReply, error) {
	v, ok := l.values[call.Target]
	if !ok {
		return abi.SecretsGetReply{}, &abi.Error{Code: abi.CodeNotConfigured, Message: "no such secret"}
	}
	return abi.SecretsGetReply{Value: v}, nil
}

func (l *live) getVar(ctx context.Context, call *hostfuncs.Call, _ *abi.VarsGetRequest) (abi.VarsGetReply, error) {
	s, err := l.get(ctx, call, nil)
	return abi.VarsGetReply{Value: s.Value}, err
}

// Close has nothing to release.
func (*live) Close(context.Context) error { return nil }

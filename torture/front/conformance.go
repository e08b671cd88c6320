package front

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"encoding/xml"
	"fmt"
	"math/big"
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/pagesrun/pagesrun/torture/machine"
	"github.com/pagesrun/pagesrun/torture/rig"
)

// known are the cases of h2spec that are not passed, with why. All are decisions of Go's HTTP/2 server.
var known = map[string]string{
	"http2/3.5: Sends invalid connection preface":                                                                   "cleartext: what does not begin as HTTP/2 is HTTP/1.1, and is answered with a 400 as such",
	"http2/4.2: Sends a large size HEADERS frame that exceeds the SETTINGS_MAX_FRAME_SIZE":                          "the server allows frames of up to 1 MiB, which h2spec does not take into account",
	"http2/6.5.3: Sends multiple values of SETTINGS_INITIAL_WINDOW_SIZE":                                            "h2spec has a race there: the answer is there and the settings acknowledged, in the other order",
	"http2/8.1.2.2: Sends a HEADERS frame that contains the connection-specific header field":                       "answered with a 400 in the place of a stream error: no function sees the request",
	"http2/8.1.2.2: Sends a HEADERS frame that contains the TE header field with any value other than \"trailers\"": "answered with a 400 in the place of a stream error: no function sees the request",
}

// conformance runs h2spec in cleartext and over TLS.
func conformance(ctx context.Context, e *rig.Env, m *machine.Machine) ([]rig.Finding, error) {
	plain, err := twice(ctx, e, m.URL)
	if err != nil {
		return nil, err
	}
	cert, key, err := selfSigned(e.Work)
	if err != nil {
		return nil, err
	}
	secure, err := serve(ctx, e, "", "--tls-cert", cert, "--tls-key", key)
	if err != nil {
		return nil, err
	}
	defer secure.Kill()
	tls, err := twice(ctx, e, secure.URL)
	return []rig.Finding{plain.finding("cleartext"), tls.finding("TLS")}, err
}

// verdicts are what h2spec says.
type verdicts struct {
	passed          int
	failed, unknown []string
}

func (v verdicts) finding(over string) rig.Finding {
	got := fmt.Sprintf("%d passed, %d failed for a known reason, %d others", v.passed, len(v.failed)-len(v.unknown), len(v.unknown))
	if len(v.unknown) > 0 {
		got += ": " + strings.Join(v.unknown, "; ")
	}
	return rig.Check(v.passed > 0 && len(v.unknown) == 0, "h2spec over "+over, "none fails without a known reason", "%s", got)
}

// twice runs h2spec, and again where a case failed without a known reason: its own time limits are short, and what is wrong fails again.
func twice(ctx context.Context, e *rig.Env, base string) (verdicts, error) {
	v, err := h2spec(ctx, e, base)
	if err != nil || len(v.unknown) == 0 {
		return v, err
	}
	again, err := h2spec(ctx, e, base)
	again.unknown = slices.DeleteFunc(again.unknown, func(name string) bool { return !slices.Contains(v.unknown, name) })
	return again, err
}

// h2spec runs the program of that name, which this module has as a tool.
func h2spec(ctx context.Context, e *rig.Env, base string) (v verdicts, err error) {
	u, err := url.Parse(base)
	if err != nil {
		return v, err
	}
	report := filepath.Join(e.Work, "h2spec.xml")
	args := []string{"tool", "h2spec", "-h", u.Hostname(), "-p", u.Port(), "-j", report}
	if u.Scheme == "https" {
		args = append(args, "-t", "-k")
	}
	cmd := exec.CommandContext(ctx, "go", args...)
	cmd.Dir = filepath.Join(e.Root, "torture")
	out, ran := cmd.CombinedOutput() // its status is 1 when a case failed
	text, err := os.ReadFile(report)
	if err != nil {
		return v, fmt.Errorf("h2spec: %v: %w\n%s", ran, err, out)
	}
	return readVerdicts(text)
}

func readVerdicts(junit []byte) (v verdicts, err error) {
	var report struct {
		Suites []struct {
			Cases []struct {
				Package string  `xml:"package,attr"`
				Name    string  `xml:"classname,attr"`
				Failure *string `xml:"failure"`
				Error   *string `xml:"error"`
			} `xml:"testcase"`
		} `xml:"testsuite"`
	}
	if err := xml.Unmarshal(junit, &report); err != nil {
		return v, err
	}
	for _, s := range report.Suites {
		for _, c := range s.Cases {
			name := c.Package + ": " + c.Name
			if c.Failure == nil && c.Error == nil {
				v.passed++
				continue
			}
			v.failed = append(v.failed, name)
			if _, ok := known[name]; !ok && !slices.Contains(v.unknown, name) {
				v.unknown = append(v.unknown, name)
			}
		}
	}
	return v, nil
}

// selfSigned writes a certificate for this machine, and its key.
func selfSigned(dir string) (cert, key string, err error) {
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return "", "", err
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(24 * time.Hour), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, DNSNames: []string{"localhost"}}
	der, err := x509.CreateCertificate(rand.Reader, template, template, private.Public(), private)
	if err != nil {
		return "", "", err
	}
	secret, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		return "", "", err
	}
	cert, key = filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	if err := os.WriteFile(cert, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600); err != nil {
		return "", "", err
	}
	return cert, key, os.WriteFile(key, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: secret}), 0o600)
}

package analytics

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"
)

// TokenFile is the name of the file, beside the datasets, that holds the token of the SQL interface. It is made at the first start, with a random
// token; whoever prefers another one writes it into the file before a start.
const TokenFile = "api-token"

// loadToken gives the token in dir, which is made when it is missing.
func loadToken(dir string) (string, error) {
	path := filepath.Join(dir, TokenFile)
	text, err := os.ReadFile(path)
	switch {
	case err == nil:
		token := strings.TrimSpace(string(text))
		if token == "" {
			return "", fmt.Errorf("%s is empty; remove it, or write a token into it", path)
		}
		return token, nil
	case !errors.Is(err, fs.ErrNotExist):
		return "", err
	}
	var random [32]byte
	rand.Read(random[:])
	token := hex.EncodeToString(random[:])
	return token, writeToken(path, token)
}

// writeToken writes the file at once or not at all, readable for its owner only.
func writeToken(path, token string) error {
	f, err := os.CreateTemp(filepath.Dir(path), TokenFile+"-*")
	if err != nil {
		return err
	}
	_, err = f.WriteString(token + "\n")
	if err = errors.Join(err, f.Close()); err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		return errors.Join(err, os.Remove(f.Name()))
	}
	return nil
}

// authorized says whether a request has the token. How long it takes says nothing about the token.
func authorized(r *http.Request, token string) bool {
	scheme, given, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	a, b := sha256.Sum256([]byte(strings.TrimSpace(given))), sha256.Sum256([]byte(token))
	return strings.EqualFold(scheme, "Bearer") && subtle.ConstantTimeCompare(a[:], b[:]) == 1
}

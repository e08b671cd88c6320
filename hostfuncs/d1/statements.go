package d1

import (
	"io"
	"strings"
)

// Statements takes a script apart into its statements, as [Database.Import] does. Comments and white space before a statement are left out.
func Statements(script string) ([]string, error) {
	s := newSplitter(strings.NewReader(script))
	var list []string
	for {
		text, err := s.next()
		if err == io.EOF {
			return list, nil
		}
		if err != nil {
			return nil, err
		}
		if strings.Trim(text, "; \t\r\n\f") != "" {
			list = append(list, text)
		}
	}
}

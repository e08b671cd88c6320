package wasm

import "testing"

func TestDamagedSectionsOfNamesAreLeftOut(t *testing.T) {
	list := func(entries ...any) []byte { return code(entries...) }
	sub := func(id byte, content []byte) []byte { return code(id, len(content), content) }
	for name, content := range map[string][]byte{
		"a part longer than the section":         code(byte(nameFunctions), 99, 1),
		"a module's name that is cut off":        sub(nameModule, list(9, byte('x'))),
		"bytes after the module's name":          sub(nameModule, list(1, byte('x'), 0)),
		"functions out of order":                 sub(nameFunctions, list(2, 1, 1, byte('b'), 0, 1, byte('a'))),
		"a function named twice":                 sub(nameFunctions, list(2, 0, 1, byte('a'), 0, 1, byte('b'))),
		"a function that does not exist":         sub(nameFunctions, list(1, 7, 1, byte('a'))),
		"more names than there is room for":      sub(nameFunctions, list(1_000_000, 0, 1, byte('a'))),
		"a function's name that is cut off":      sub(nameFunctions, list(1, 0, 9, byte('a'))),
		"bytes after the names of the functions": sub(nameFunctions, list(1, 0, 1, byte('a'), 0)),
	} {
		b := append(testModule{funcs: []testFunc{{}, {}}, pages: 1}.binary(), section(sectionCustom, appendName(nil, "name"), content)...)
		m, err := Inspect(b, DefaultLimits())
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		rw, err := Rewrite(b, m, RewriteOptions{})
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		again, err := Inspect(rw.Binary, unbounded())
		if err != nil {
			t.Errorf("%s: the rewritten module is refused: %v", name, err)
			continue
		}
		for _, s := range again.CustomSections {
			t.Errorf("%s: the rewritten module has the section %v", name, s)
		}
	}
}

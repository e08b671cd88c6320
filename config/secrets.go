package config

import (
	"errors"
	"io/fs"
	"os"
	"slices"
	"strings"
)

// fromProcess is the Pos.File of variables of the process environment.
const fromProcess = "process environment"

// secrets reads the variables files and puts what they give over the variables of the file.
func (l *loader) secrets() {
	required, declared := l.requiredSecrets()
	found := l.variables(required, declared)
	if declared {
		found = slices.DeleteFunc(found, func(s Secret) bool { return !slices.Contains(required, s.Name) })
	}
	l.cfg.RequiredSecrets = required
	l.cfg.Secrets = l.override(found)
	slices.SortFunc(l.cfg.Secrets, func(a, b Secret) int { return strings.Compare(a.Name, b.Name) })
	l.warnMissing(required)
}

// requiredSecrets reads the table "secrets"; declared says whether it names what is wanted.
func (l *loader) requiredSecrets() (names []string, declared bool) {
	t := NewTable(l.cfg.Section("secrets"), l.cfg.Key("secrets"), &l.problems)
	names, declared = t.Strings("required"), t.Has("required")
	t.RejectUnknown()
	return names, declared
}

// warnMissing names the required secrets that nothing gives a value to.
func (l *loader) warnMissing(required []string) {
	var missing []string
	for _, name := range required {
		has := slices.ContainsFunc(l.cfg.Secrets, func(s Secret) bool { return s.Name == name })
		if !has && !l.flagBinds(name) {
			missing = append(missing, name)
		}
	}
	if len(missing) > 0 {
		pos := l.cfg.Section("secrets").Get("required").Pos
		l.problems.Warn(pos, l.cfg.Key("secrets")+".required",
			"Missing required secrets: %s. Add them to .dev.vars, .env, or set as environment variables.", strings.Join(missing, ", "))
	}
}

// flagBinds says whether a --binding flag gives the name a value.
func (l *loader) flagBinds(name string) bool {
	return slices.ContainsFunc(l.opts.Vars, func(arg string) bool { return strings.HasPrefix(arg, name+"=") })
}

// variables gives what the files and the process environment say, each name once.
func (l *loader) variables(required []string, declared bool) []Secret {
	fromDotenv := l.switchVariable("CLOUDFLARE_LOAD_DEV_VARS_FROM_DOT_ENV", true)
	var found []Secret
	devVars := l.devVarsFile()
	switch {
	case len(l.opts.EnvFiles) > 0 && fromDotenv:
		found = l.envFiles(l.opts.EnvFiles, true)
	case len(l.opts.EnvFiles) > 0:
		l.problems.Warn(Pos{File: "--env-file"}, "", "is not read because CLOUDFLARE_LOAD_DEV_VARS_FROM_DOT_ENV is false")
	case devVars != "":
		found, _ = l.variablesFile(devVars)
		return l.addProcess(found, required, declared)
	case fromDotenv:
		found = l.envFiles(l.dotenvNames(), false)
	}
	found = l.addProcess(found, required, declared)
	expandAll(found, func(s Secret) bool { return s.Pos.File == fromProcess }, &l.problems)
	return found
}

// devVarsFile gives the one .dev.vars file to read: the chosen environment's own, else the general one; empty when there is neither.
func (l *loader) devVarsFile() string {
	names := []string{".dev.vars"}
	if l.fileEnv() != "" {
		names = []string{".dev.vars." + l.fileEnv(), ".dev.vars"}
	}
	for _, name := range names {
		if isFile(resolve(l.cfg.Dir, name)) {
			return name
		}
	}
	return ""
}

// isFile says whether there is a regular file. A directory called .env, as Python projects have, is none.
func isFile(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular()
}

// dotenvNames are the .env files, each stronger than the one before.
func (l *loader) dotenvNames() []string {
	names := []string{".env", ".env.local"}
	if env := l.fileEnv(); env != "" {
		names = append(names, ".env."+env, ".env."+env+".local")
	}
	return names
}

// fileEnv is the environment's name where it can be a part of a file's name.
func (l *loader) fileEnv() string {
	if strings.ContainsAny(l.cfg.Env, `/\`) {
		return ""
	}
	return l.cfg.Env
}

// envFiles merges files, later ones winning. Explicit ones must exist.
func (l *loader) envFiles(names []string, explicit bool) []Secret {
	var merged []Secret
	for _, name := range names {
		if !explicit && !isFile(resolve(l.cfg.Dir, name)) {
			continue
		}
		found, ok := l.variablesFile(name)
		if !ok {
			l.problems.Add(Pos{File: "--env-file"}, "", "the file %s does not exist", name)
		}
		merged = mergeSecrets(merged, found)
	}
	return merged
}

// variablesFile reads one file of the configuration's directory; ok is false when it does not exist.
func (l *loader) variablesFile(name string) (found []Secret, ok bool) {
	path := resolve(l.cfg.Dir, name)
	display := displayPath(l.opts.Dir, path)
	data, readable, err := readText(path, display, &l.problems)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, false
	}
	if !readable {
		return nil, true
	}
	l.cfg.SecretFiles = append(l.cfg.SecretFiles, display)
	return parseDotenv(display, data, &l.problems), true
}

// mergeSecrets puts over on top of under; names keep the place they first had.
func mergeSecrets(under, over []Secret) []Secret {
	index := map[string]int{}
	for i, s := range under {
		index[s.Name] = i
	}
	for _, s := range over {
		if i, there := index[s.Name]; there {
			under[i] = s
			continue
		}
		index[s.Name] = len(under)
		under = append(under, s)
	}
	return under
}

// addProcess puts the process environment over the files: all of it when CLOUDFLARE_INCLUDE_PROCESS_ENV asks for it, the required names
// when there are any.
func (l *loader) addProcess(found []Secret, required []string, declared bool) []Secret {
	var process []Secret
	add := func(name, value string) {
		process = append(process, Secret{Name: name, Value: value, Pos: Pos{File: fromProcess}})
	}
	switch {
	case declared:
		for _, name := range required {
			if value, ok := l.opts.LookupEnv(name); ok {
				add(name, value)
			}
		}
	case l.switchVariable("CLOUDFLARE_INCLUDE_PROCESS_ENV", false) && l.opts.Environ != nil:
		for _, line := range l.opts.Environ() {
			if name, value, ok := strings.Cut(line, "="); ok && name != "" {
				add(name, value)
			}
		}
	}
	return mergeSecrets(found, process)
}

// switchVariable reads a variable of the process environment that is "true" or "false".
func (l *loader) switchVariable(name string, fallback bool) bool {
	value, ok := l.opts.LookupEnv(name)
	switch {
	case !ok || value == "":
		return fallback
	case strings.EqualFold(value, "true"):
		return true
	case !strings.EqualFold(value, "false"):
		l.problems.Add(Pos{File: fromProcess}, name, "must be \"true\" or \"false\", not %q", value)
		return fallback
	}
	return false
}

// override gives the secrets that take effect: not those a --binding flag or another kind of binding has the name of. Variables of the
// file that a secret is named like are taken out.
func (l *loader) override(found []Secret) []Secret {
	bound := l.bindingNames()
	secret := map[string]bool{}
	var kept []Secret
	for _, s := range found {
		pos, taken := bound[s.Name]
		switch {
		case l.flagBinds(s.Name):
		case taken:
			l.problems.Warn(s.Pos, s.Name, "is not used: a binding has this name already (%s)", pos)
		default:
			secret[s.Name] = true
			kept = append(kept, s)
		}
	}
	if vars := l.varEntries(); len(secret) > 0 && vars != nil {
		l.setVars(slices.DeleteFunc(slices.Clone(vars), func(e Entry) bool { return secret[e.Key] }))
	}
	return kept
}

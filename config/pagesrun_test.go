package config

import (
	"fmt"
	"os"
	"strings"
	"testing"
)

// TestEverySettingHoldsItsBounds loads each number at, below and above its bounds.
func TestEverySettingHoldsItsBounds(t *testing.T) {
	for _, s := range Settings() {
		t.Run(s.Table+"."+s.Key, func(t *testing.T) {
			if s.Default < s.Min || s.Default > s.Max {
				t.Fatalf("the default %d is out of bounds", s.Default)
			}
			for _, v := range []int64{s.Min, s.Max, s.Min - 1, s.Max + 1} {
				c, problems := loadText(t, fmt.Sprintf("[%s]\n%s = %d", s.Table, s.Key, v), Options{})
				want, fails := v, v < s.Min || v > s.Max
				if fails {
					want = s.Default
				}
				if got := *s.field(&c.Pagesrun); got != want {
					t.Errorf("%d gives %d, want %d", v, got, want)
				}
				message := fmt.Sprintf("wrangler.toml:2: %s.%s: must be between %d and %d, not %d", s.Table, s.Key, s.Min, s.Max, v)
				if got := problems.Error(); fails != (got == message) || !fails && got != "" {
					t.Errorf("%d reports %q", v, got)
				}
			}
		})
	}
}

func TestSettingsAreIndependent(t *testing.T) {
	seen := map[*int64]string{}
	var p Pagesrun
	for _, s := range Settings() {
		if other := seen[s.field(&p)]; other != "" {
			t.Errorf("%s and %s are one field", s.Key, other)
		}
		seen[s.field(&p)] = s.Key
	}
}

func TestAdminAddress(t *testing.T) {
	for address, good := range map[string]bool{
		"127.0.0.1:9100": true, "[::1]:0": true, ":9100": true, "localhost:65535": true,
		"9100": false, "localhost": false, "localhost:65536": false, "localhost:http": false, "::1:80": false,
	} {
		c, problems := loadText(t, fmt.Sprintf("[pagesrun]\nadmin = %q", address), Options{})
		if (problems.Err() == nil) != good || good && c.Pagesrun.Admin != address {
			t.Errorf("%s: %q, %v", address, c.Pagesrun.Admin, problems)
		}
	}
}

// TestTheGuideNamesEverything keeps docs/configuration.md complete: each known key, and each setting with default and bounds.
func TestTheGuideNamesEverything(t *testing.T) {
	data, err := os.ReadFile("../docs/configuration.md")
	if err != nil {
		t.Fatal(err)
	}
	guide := string(data)
	for _, r := range keyRules() {
		if !strings.Contains(guide, "`"+r.name+"`") {
			t.Errorf("the key %s is not in the guide", r.name)
		}
	}
	for _, s := range Settings() {
		row := fmt.Sprintf("| `%s` | %s | %s to %s |", s.Key, grouped(s.Default), grouped(s.Min), grouped(s.Max))
		if !strings.Contains(guide, row) {
			t.Errorf("the guide lacks the row %s", row)
		}
	}
	for _, n := range []int64{MaxFileBytes, MaxNesting, MaxValues} {
		if !strings.Contains(guide, grouped(n)) {
			t.Errorf("the guide lacks the limit %d", n)
		}
	}
}

// grouped writes a number with commas between thousands.
func grouped(n int64) string {
	s := fmt.Sprint(n)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

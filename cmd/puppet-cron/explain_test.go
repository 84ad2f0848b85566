package main

import (
	"errors"
	"strings"
	"testing"
)

func TestExplainedBy(t *testing.T) {
	failed := errors.New("exit status 1")
	for unit, want := range map[string]string{
		"Result=success\nLoadState=masked\n":   "systemctl unmask",
		"Result=exit-code\nLoadState=loaded\n": "journalctl",
		"Result=success\nLoadState=loaded\n":   "exit status 1",
		"":                                     "exit status 1",
	} {
		if err := explainedBy(unit, failed); !errors.Is(err, failed) || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v; want %s in it", unit, err, want)
		}
	}
}

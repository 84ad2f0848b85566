//go:build !windows

package main

import (
	"errors"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/puppet-cron/puppet-cron/collector/pki/pkitest"
)

// The scripts run the real program, and a small client of its API, out of this test binary.
func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){
		"puppet-cron-collector": main,
		"api":                   func() { os.Exit(ask(os.Args[1:])) },
	})
}

func TestScripts(t *testing.T) {
	certs := t.TempDir()
	ca := pkitest.NewCA(t, "Puppet CA: puppet")
	own := ca.Issue(t, "collector", nil)
	pkitest.Write(t, certs, "ca.pem", ca.PEM())
	pkitest.Write(t, certs, "cert.pem", own.Cert)
	pkitest.Write(t, certs, "key.pem", own.Key)
	pkitest.Write(t, certs, "crl.pem", ca.CRL(t, 1))
	node := ca.Issue(t, "web01.example.com", nil)
	pkitest.Write(t, certs, "web01.pem", append(node.Cert, node.Key...))
	testscript.Run(t, testscript.Params{
		Dir: "testdata/script",
		Setup: func(env *testscript.Env) error {
			env.Setenv("SUDO_USER", "alice")
			env.Setenv("CERTS", certs)
			env.Values[background{}] = new(background)
			return nil
		},
		Cmds: map[string]func(ts *testscript.TestScript, neg bool, args []string){
			"exits": exits, "expand": expand, "readenv": readEnv, "serve": serve, "hangup": hangUp, "stop": stop,
		},
	})
}

// exits runs a program and wants a certain exit code: exits CODE PROGRAM ARGS…
func exits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits CODE PROGRAM [ARG…]")
	}
	got := 0
	if err := ts.Exec(args[1], args[2:]...); err != nil {
		e, ok := errors.AsType[*exec.ExitError](err)
		if !ok {
			ts.Fatalf("%v: %v", args[1:], err)
		}
		got = e.ExitCode()
	}
	if strconv.Itoa(got) != args[0] {
		ts.Fatalf("%v ended with %d; want %s", args[1:], got, args[0])
	}
}

// expand replaces the variables in a file by their values: expand FILE
func expand(ts *testscript.TestScript, _ bool, args []string) {
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), []byte(os.Expand(ts.ReadFile(args[0]), ts.Getenv)), 0o600))
}

// readEnv takes a variable from a file: readenv NAME FILE
func readEnv(ts *testscript.TestScript, _ bool, args []string) {
	ts.Setenv(args[0], strings.TrimSpace(ts.ReadFile(args[1])))
}

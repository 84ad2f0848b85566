//go:build !windows

package main

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/puppet-cron/puppet-cron/test/fakepuppet"
)

// The scripts run the real program, and a fake Puppet, out of this test binary.
func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){
		"puppet-cron": main,
		"puppet":      func() { os.Exit(fakepuppet.Main()) },
		"collector":   collector,
	})
}

func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir: "testdata/script",
		Setup: func(env *testscript.Env) error {
			node, err := fakepuppet.New(filepath.Join(env.WorkDir, "puppet"))
			if err != nil {
				return err
			}
			env.Vars = append(env.Vars, node.Env("unchanged", 0, 0)...)
			env.Setenv("SUDO_USER", "alice")
			return os.WriteFile(filepath.Join(env.WorkDir, "ok.yaml"),
				[]byte("state_dir: "+env.WorkDir+"/state\npuppet: {binary: "+node.Binary()+"}\n"), 0o644)
		},
		Cmds: map[string]func(ts *testscript.TestScript, neg bool, args []string){
			"exits":   exits,
			"appears": appears,
		},
	})
}

// exits runs a program and wants a certain exit code: exits CODE PROGRAM ARGS…
func exits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits CODE PROGRAM [ARG…]")
	}
	err := ts.Exec(args[1], args[2:]...)
	if got := exitCodeOf(err); got != args[0] {
		ts.Fatalf("%v ended with %s; want %s", args[1:], got, args[0])
	}
}

// appears waits until files are there: appears FILE…
func appears(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) == 0 {
		ts.Fatalf("usage: appears FILE…")
	}
	deadline := time.Now().Add(20 * time.Second)
	for _, name := range args {
		for {
			if _, err := os.Stat(ts.MkAbs(name)); err == nil {
				break
			}
			if time.Now().After(deadline) {
				ts.Fatalf("%s does not appear", name)
			}
			time.Sleep(5 * time.Millisecond)
		}
	}
}

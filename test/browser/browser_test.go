//go:build lab

package browser

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/puppet-cron/puppet-cron/test/postgres"
	"github.com/puppet-cron/puppet-cron/test/rig"
)

var update = flag.Bool("update", false, "take the pictures of docs/images anew")

// program is built once for all tests.
var program string

func TestMain(m *testing.M) {
	code, err := run(m)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

func run(m *testing.M) (code int, err error) {
	flag.Parse()
	dir, err := os.MkdirTemp("", "browser")
	if err != nil {
		return 1, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	program = filepath.Join(dir, "puppet-cron-collector")
	if out, err := exec.Command("go", "build", "-o", program, "../../cmd/puppet-cron-collector").CombinedOutput(); err != nil {
		return 1, fmt.Errorf("building the collector: %w\n%s", err, out)
	}
	return m.Run(), nil
}

// flow runs a script against a collector, and fails with what it complains of.
func flow(t *testing.T, script, url string, env ...string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 4*time.Minute)
	defer cancel()
	node := exec.CommandContext(ctx, "node", script)
	node.Env = append(os.Environ(), append(env, "URL="+url, "MODULES="+rig.BrowserModules(t, "."))...)
	if out, err := node.CombinedOutput(); err != nil {
		t.Errorf("%s: %v\n%s", script, err, out)
	}
}

// dev is a collector for everybody on this host, with a fleet in it.
func dev(t *testing.T, dsn string, odd bool) string {
	t.Helper()
	seed(t, dsn, odd)
	return "http://" + rig.Collect(t, rig.CollectorConfig{Program: program, Database: dsn, Dev: true}).Address
}

func sqlite(t *testing.T) string { return "sqlite:" + filepath.Join(t.TempDir(), "collector.db") }

func TestLooks(t *testing.T) {
	t.Parallel()
	flow(t, "looks.mjs", dev(t, sqlite(t), true))
}

// The pictures of the documentation are taken each time, and kept when that is asked for.
func TestPictures(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if *update {
		dir = "../../docs/images"
		if err := os.MkdirAll(dir, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	flow(t, "pictures.mjs", dev(t, sqlite(t), false), "PICTURES="+dir)
	for _, name := range []string{"overview-light", "overview-dark", "overview-phone", "node-light"} {
		if info, err := os.Stat(filepath.Join(dir, name+".png")); err != nil || info.Size() < 10_000 {
			t.Errorf("%s: %v, %v", name, info, err)
		}
	}
}

func TestFlows(t *testing.T) {
	t.Parallel()
	flow(t, "flows.mjs", dev(t, sqlite(t), true))
}

// The same pages come from PostgreSQL.
func TestFlowsOnPostgres(t *testing.T) {
	t.Parallel()
	server, err := postgres.Start(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := server.Stop(); err != nil {
			t.Error(err)
		}
	})
	dsn, err := server.Create(t.Context(), "pages")
	if err != nil {
		t.Fatal(err)
	}
	flow(t, "flows.mjs", dev(t, dsn, true))
}

// Over TLS, with tokens.
func TestLogin(t *testing.T) {
	t.Parallel()
	dsn := sqlite(t)
	seed(t, dsn, true)
	ca := rig.NewCA(t, 2048)
	own := ca.Issue("collector.test")
	c := rig.Collect(t, rig.CollectorConfig{Program: program, Database: dsn, Cert: own.CertFile, Key: own.KeyFile, CA: ca.CertFile, CRL: ca.CRLFile})
	flow(t, "login.mjs", "https://"+c.Address, "VIEWER="+token(t, dsn, "vi", "viewer"), "OPERATOR="+token(t, dsn, "op", "operator"))
}

// token makes one as an admin does.
func token(t *testing.T, dsn, name, role string) string {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), program, "--database", dsn, "token", "create", name, "--role", role).Output()
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(out))
}

package state_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/puppet-cron/puppet-cron/api"
	"github.com/puppet-cron/puppet-cron/state"
)

const maxFile = 4 << 20

// A stateFile is one of the files that are read back, with content that is good.
type stateFile struct {
	path string
	good string
	read func() (any, error)
}

func stateFiles(t testing.TB, d *state.Dir) map[string]stateFile {
	t.Helper()
	encode := func(v any) string {
		data, err := json.Marshal(v)
		must(t, err)
		return string(data)
	}
	ask(t, d, 1)
	running, req, run := aRunning(1), request(newID(1)), aRun(newID(1), api.Changed)
	running.Schema, req.Schema = 1, 1
	files := map[string]stateFile{
		"running":       {d.File("running.json"), encode(running), func() (any, error) { return d.Running() }},
		"request":       {inRun(d, 1, "request.json"), encode(req), func() (any, error) { return d.Request(newID(1)) }},
		"run":           {inRun(d, 1, "run.json"), encode(run), func() (any, error) { return d.Run(newID(1)) }},
		"schedule.json": {d.File("schedule.json"), encode(aSchedule(1)), func() (any, error) { return d.Schedule() }},
		"puppet": {d.File("puppet.json"), `{"schema":1,"id":"","a":[1]}`, func() (any, error) {
			var v struct {
				Schema int    `json:"schema"`
				ID     string `json:"id"`
				A      []int  `json:"a"`
			}
			err := d.ReadPuppet(&v)
			return v, err
		}},
	}
	for _, which := range []state.Last{state.LastRun, state.LastExecuted, state.LastChange, state.LastSuccess} {
		files[string(which)] = stateFile{d.File(string(which)), encode(run), func() (any, error) { return d.Last(which) }}
	}
	return files
}

// Corrupt content is found out in every file, and the error says which file it is.
func TestCorrupt(t *testing.T) {
	for name, f := range stateFiles(t, newDir(t)) {
		must(t, os.WriteFile(f.path, []byte(f.good), 0o600))
		if _, err := f.read(); err != nil {
			t.Errorf("%s: good content: %v", name, err)
		}
		for what, content := range map[string]string{
			"empty":         "",
			"half":          f.good[:len(f.good)/2],
			"two":           f.good + f.good,
			"no object":     `[1]`,
			"null":          `null`,
			"binary":        "\x7fELF\x00\xff\xfe",
			"NULs":          strings.Repeat("\x00", len(f.good)), // what a power cut leaves on some file systems
			"huge":          f.good + strings.Repeat(" ", maxFile-len(f.good)+1),
			"deep":          strings.Repeat(`{"a":`, 11_000),
			"no schema":     strings.Replace(f.good, `"schema":1`, `"x":1`, 1),
			"schema 0":      strings.Replace(f.good, `"schema":1`, `"schema":0`, 1),
			"schema -1":     strings.Replace(f.good, `"schema":1`, `"schema":-1`, 1),
			"schema a text": strings.Replace(f.good, `"schema":1`, `"schema":"1"`, 1),
			"id a number":   strings.Replace(f.good, `"id":"`, `"id":7,"x":"`, 1),
		} {
			must(t, os.WriteFile(f.path, []byte(content), 0o600))
			wantCorrupt(t, name+", "+what, f)
		}
	}
}

func wantCorrupt(t *testing.T, what string, f stateFile) {
	t.Helper()
	_, err := f.read()
	wantErr(t, what, err, state.ErrCorrupt)
	if err != nil && (!strings.Contains(err.Error(), f.path) || len(err.Error()) > 1000) {
		t.Errorf("%s: %.2000v", what, err)
	}
}

func TestCorruptValues(t *testing.T) {
	files := stateFiles(t, newDir(t))
	for _, tt := range []struct{ file, old, bad string }{
		{"running", newID(1), "../../etc/passwd"},
		{"running", `"phase"`, `"timeout_s":-1,"phase"`},
		{"running", `"phase"`, `"timeout_s":1e300,"phase"`},
		{"request", newID(1), newID(2)},
		{"request", `"manual"`, `""`},
		{"request", `"asked"`, `"wait_s":1e300,"asked"`},
		{"request", `"asked"`, `"timeout_s":-1,"asked"`},
		{"schedule.json", newID(1), "../x"},
		{"schedule.json", `"retries":1`, `"retries":-1`},
		{"schedule.json", `"missed":2`, `"missed":-2`},
		{"schedule.json", `"missed":2`, `"missed":1000001`},
		{"schedule.json", `"missed":3`, `"missed":-3`},
		{"schedule.json", `"tries":1`, `"tries":64`},
		{"schedule.json", `"trigger":"retry"`, `"trigger":""`},
		{"schedule.json", `"trigger":"retry"`, `"trigger":"manual"`},
		{"schedule.json", `"again":{"at":"2026-11-23T05:10:00Z"`, `"again":{"at":"0001-01-01T00:00:00Z"`},
		{"run", newID(1), newID(2)},
		{"run", `"changed"`, `""`},
		{"last-run.json", newID(1), "x"},
		{"last-change.json", `"certname":"n"`, `"certname":""`},
	} {
		f := files[tt.file]
		bad := strings.Replace(f.good, tt.old, tt.bad, 1)
		if bad == f.good {
			t.Fatalf("%s has no %s", tt.file, tt.old)
		}
		must(t, os.WriteFile(f.path, []byte(bad), 0o600))
		wantCorrupt(t, tt.file+" with "+tt.bad, f)
	}
}

// The largest Run that Bound lets through can be read back.
func TestLargestRun(t *testing.T) {
	d := newDir(t)
	run := aRun(newID(1), api.Failed)
	run.Log = strings.Repeat("\"", api.MaxLogBytes)
	for range api.MaxFailures {
		run.Failures = append(run.Failures, api.Failure{Message: strings.Repeat("\u2028\"", api.MaxFailureBytes)})
	}
	run.Bound()
	finished(t, d, run)
	if _, err := d.Run(run.ID); err != nil {
		t.Error(err)
	}
}

// What a newer version wrote is neither understood nor destroyed.
func TestNewer(t *testing.T) {
	d := newDir(t)
	newer := []byte(`{"schema":2,"all":"new"}`)
	for name, f := range stateFiles(t, d) {
		must(t, os.WriteFile(f.path, newer, 0o600))
		_, err := f.read()
		wantErr(t, name, err, state.ErrNewer)
	}
	wantErr(t, "SetRunning", d.SetRunning(aRunning(1)), state.ErrNewer)
	wantErr(t, "WritePuppet", d.WritePuppet(map[string]int{"schema": 1}), state.ErrNewer)
	must(t, os.Remove(d.File("last-success.json")))
	c := begin(t, d, 2)
	defer c.Release()
	must(t, c.Record(aRun(c.ID, api.Changed))) // what status cannot be told is no reason to lose a run
	if _, err := d.Run(c.ID); err != nil {
		t.Errorf("the record: %v", err)
	}
	if last, err := d.Last(state.LastSuccess); err != nil || last.ID != c.ID {
		t.Errorf("one newer file kept the others back: %+v, %v", last, err)
	}
	for name, f := range stateFilesAgain(d) {
		if data, err := os.ReadFile(f); err != nil || !bytes.Equal(data, newer) {
			t.Errorf("%s was rewritten: %s, %v", name, data, err)
		}
	}
}

func stateFilesAgain(d *state.Dir) map[string]string {
	return map[string]string{
		"running": d.File("running.json"), "puppet": d.File("puppet.json"), "last": d.File("last-run.json"),
		"executed": d.File("last-executed.json"), "request": inRun(d, 1, "request.json"), "run": inRun(d, 1, "run.json"),
	}
}

// A corrupt file does not keep the good one from being written.
func TestCorruptIsReplaced(t *testing.T) {
	d := newDir(t)
	for _, content := range []string{"", "{", `{"schema":"2"}`, strings.Repeat(" ", maxFile+1)} {
		must(t, os.WriteFile(d.File("running.json"), []byte(content), 0o600))
		must(t, d.SetRunning(aRunning(1)))
		if _, err := d.Running(); err != nil {
			t.Error(err)
		}
	}
}

func TestSetAsideTakesNobodysPlace(t *testing.T) {
	path := filepath.Join(tempDir(t), "running.json")
	asides := map[string]string{}
	for n := range 5 { // within one second or two
		content := fmt.Sprint("corrupt ", n)
		must(t, os.WriteFile(path, []byte(content), 0o600))
		aside, err := state.SetAside(path)
		must(t, err)
		asides[aside] = content
		if exists(path) {
			t.Error("it is still in the way")
		}
	}
	must(t, os.MkdirAll(filepath.Join(path, "sub"), 0o755))
	aside, err := state.SetAside(path)
	must(t, err)
	if !exists(filepath.Join(aside, "sub")) {
		t.Errorf("%s is not the directory", aside)
	}
	if len(asides) != 5 {
		t.Errorf("%d names for 5 files", len(asides))
	}
	for aside, want := range asides {
		if got, err := os.ReadFile(aside); err != nil || string(got) != want || !strings.HasPrefix(aside, path+".corrupt-2") {
			t.Errorf("%s: %q, %v; want %q", aside, got, err, want)
		}
	}
	_, err = state.SetAside(path)
	wantErr(t, "a missing file", err, fs.ErrNotExist)
}

func TestSetAsideTogether(t *testing.T) {
	dir := tempDir(t)
	const many = 16
	together(many, func(i int) {
		// One path under many names: each goroutine's "running.json" lies elsewhere,
		// but all their asides are the same.
		path := filepath.Join(dir, "running.json")
		mine := filepath.Join(dir, fmt.Sprint("mine-", i))
		if err := os.WriteFile(mine, []byte(strconv.Itoa(i)), 0o600); err != nil {
			t.Error(err)
		}
		for os.Link(mine, path) != nil { // until it is free
		}
		if _, err := state.SetAside(path); err != nil {
			t.Error(err)
		}
	})
	asides, err := filepath.Glob(filepath.Join(dir, "running.json.corrupt-*"))
	must(t, err)
	contents := map[string]bool{}
	for _, aside := range asides {
		data, err := os.ReadFile(aside)
		must(t, err)
		contents[string(data)] = true
	}
	if len(asides) != many || len(contents) != many {
		t.Errorf("%d files with %d contents; want %d of each", len(asides), len(contents), many)
	}
}

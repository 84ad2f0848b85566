package hold

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/puppet-cron/puppet-cron/puppet"
	"github.com/puppet-cron/puppet-cron/state"
)

var noon = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

func newKeeper(t *testing.T) *Keeper {
	t.Helper()
	tmp := t.TempDir()
	dir, err := state.Open(filepath.Join(tmp, "state"))
	if err != nil {
		t.Fatal(err)
	}
	return &Keeper{State: dir, File: filepath.Join(tmp, "agent_disabled.lock")}
}

func TestReasons(t *testing.T) {
	for text, want := range map[string]string{
		"ticket 42":                 "ticket 42",
		`a "b" 'c' \ <d> & $(e) %s`: `a "b" 'c' \ <d> & $(e) %s`,
		"  two\r\nlines\t and tabs": "two lines and tabs",
		"Käse, 維護 🎉":                "Käse, 維護 🎉",
		"":                          "!no reason",
		" \n\t ":                    "!no reason",
		"red \x1b[31m":              "!cannot be shown",
		"a\x00b":                    "!cannot be shown",
		"\u202egnirts":              "!cannot be shown",
		"half \xc3":                 "!not UTF-8",
		strings.Repeat("x", 400):    strings.Repeat("x", 400),
		strings.Repeat("x", 401):    "!401 bytes",
	} {
		got, err := CheckReason(text)
		refused, bad := strings.CutPrefix(want, "!")
		switch {
		case bad && (err == nil || !strings.Contains(err.Error(), refused)):
			t.Errorf("%q: %v; want …%s…", text, err, refused)
		case !bad && (err != nil || got != want):
			t.Errorf("%q gives %q, %v; want %q", text, got, err, want)
		}
	}
}

// As many as may hold the node, with the longest reasons: Puppet's file can be read
// back, and is still known as ours.
func TestTheMostHolds(t *testing.T) {
	k := newKeeper(t)
	one := Hold{Kind: Disable, Reason: strings.Repeat("<é", maxReason/3), Since: noon}
	for i := range maxHolds {
		one.Owner = fmt.Sprintf("%0*d", maxOwner, i)
		if _, err := k.Set(one, noon); err != nil {
			t.Fatal(err)
		}
	}
	one.Owner = "onemore"
	if _, err := k.Set(one, noon); err == nil {
		t.Error("there is no end to holds")
	}
	if h, err := Load(k.State); err != nil || len(h.Active(noon)) != maxHolds {
		t.Fatalf("%v", err)
	}
	if file, err := puppet.ReadDisable(k.File); err != nil || file == nil || file.Plain() || k.Due(noon) {
		t.Errorf("%+v, %v, due %v", file, err, k.Due(noon))
	}
	if _, err := k.EndAll(noon); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(k.File); err == nil {
		t.Error("Puppet's file is still there")
	}
}

// Who holds at the same time as others is heard like them.
func TestAtTheSameTime(t *testing.T) {
	k := newKeeper(t)
	const people = 20
	var all sync.WaitGroup
	for i := range people {
		all.Go(func() {
			own := *k // each a process of its own
			one := Hold{Owner: fmt.Sprintf("p%d", i), Kind: Disable, Reason: "mine", Since: noon}
			if _, err := own.Set(one, noon); err != nil {
				t.Error(err)
			}
			if _, err := own.Reconcile(noon); err != nil {
				t.Error(err)
			}
			if i%2 == 0 {
				if _, err := own.End(one.Owner, noon); err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
	h, err := Load(k.State)
	if err != nil || len(h.Active(noon)) != people/2 {
		t.Errorf("%d hold the node, %v; want %d", len(h.Active(noon)), err, people/2)
	}
	if k.Due(noon) {
		t.Error("Puppet's file does not agree")
	}
}

// A second hold of the same kind is the first one extended: its age stays.
func TestExtended(t *testing.T) {
	k := newKeeper(t)
	later, end := noon.Add(time.Hour), noon.Add(24*time.Hour)
	for _, one := range []Hold{
		{Owner: "anna", Kind: Disable, Reason: "first", Since: noon},
		{Owner: "anna", Kind: Disable, Reason: "second", Since: later, Until: &end},
	} {
		if _, err := k.Set(one, one.Since); err != nil {
			t.Fatal(err)
		}
	}
	h, _ := Load(k.State)
	if got := h.Holds; len(got) != 1 || got[0].Reason != "second" || !got[0].Since.Equal(noon) || !got[0].Until.Equal(end) {
		t.Errorf("%+v", got)
	}
	if h.Restored != nil {
		t.Error("the file counts as lifted by somebody, though it was not")
	}
}

// A clock that was wrong for a while costs nobody his hold.
func TestWrongClock(t *testing.T) {
	k := newKeeper(t)
	end := noon.Add(time.Hour)
	if _, err := k.Set(Hold{Owner: "anna", Kind: Disable, Reason: "r", Since: noon, Until: &end}, noon); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		at   time.Time
		held bool
	}{{noon.Add(2 * time.Hour), false}, {noon, true}, {time.Unix(0, 0), true}, {end, false}} {
		h, err := k.Reconcile(c.at)
		if err != nil {
			t.Fatal(err)
		}
		_, err = os.Stat(k.File)
		if (len(h.Active(c.at)) == 1) != c.held || (err == nil) != c.held {
			t.Errorf("at %s: %+v, file: %v; want held: %v", c.at, h.Active(c.at), err, c.held)
		}
	}
}

// What this program would not have written holds everybody, and is left as it is.
func TestNotUnderstood(t *testing.T) {
	for name, content := range map[string]string{
		"empty":      "",
		"null":       "null",
		"no schema":  `{"holds":[]}`,
		"kind":       `{"schema":1,"holds":[{"owner":"a","kind":"freeze","reason":"r","since":"2026-11-23T12:00:00Z"}]}`,
		"no owner":   `{"schema":1,"holds":[{"kind":"noop","reason":"r","since":"2026-11-23T12:00:00Z"}]}`,
		"no reason":  `{"schema":1,"holds":[{"owner":"a","kind":"noop","since":"2026-11-23T12:00:00Z"}]}`,
		"no since":   `{"schema":1,"holds":[{"owner":"a","kind":"noop","reason":"r"}]}`,
		"wrong time": `{"schema":1,"holds":[{"owner":"a","kind":"noop","reason":"r","since":"noon"}]}`,
		"controls":   `{"schema":1,"holds":[{"owner":"a","kind":"noop","reason":"\u001b[2J","since":"2026-11-23T12:00:00Z"}]}`,
		"twice": `{"schema":1,"holds":[{"owner":"a","kind":"noop","reason":"r","since":"2026-11-23T12:00:00Z"},
			{"owner":"a","kind":"disable","reason":"r","since":"2026-11-23T12:00:00Z"}]}`,
		"newer": `{"schema":2,"holds":[]}`,
	} {
		t.Run(name, func(t *testing.T) {
			k := newKeeper(t)
			if err := os.WriteFile(k.State.File("holds.json"), []byte(content), 0o644); err != nil {
				t.Fatal(err)
			}
			h, err := k.Reconcile(noon)
			if err == nil || h.held(noon) == nil || !h.held(noon).Everyone || h.Unreadable() == nil || k.Due(noon) {
				t.Errorf("%v, held %+v", err, h.held(noon))
			}
			if _, err := k.Set(Hold{Owner: "b", Kind: Disable, Reason: "r", Since: noon}, noon); err == nil {
				t.Error("it was overwritten by a hold")
			}
			if _, err := k.End("a", noon); err == nil {
				t.Error("it was overwritten by an end")
			}
			if got, _ := os.ReadFile(k.State.File("holds.json")); string(got) != content {
				t.Errorf("it says %q now", got)
			}
		})
	}
}

// Puppet may take its time to say where its file is. The hold does not wait for it.
func TestHoldComesFirst(t *testing.T) {
	k := newKeeper(t)
	file := k.File
	for _, c := range []struct {
		file string
		err  error
	}{{"", errors.New("puppet hangs")}, {"", nil}, {file, nil}} {
		k.File = ""
		k.Find = func() (string, error) {
			if h, err := Load(k.State); err != nil || h.Disabled(noon) == nil {
				t.Errorf("nobody holds the node yet: %v", err)
			}
			return c.file, c.err
		}
		h, err := k.Set(Hold{Owner: "anna", Kind: Disable, Reason: "r", Since: noon}, noon)
		if h == nil || errors.Is(err, ErrPuppetFile) != (c.file == "") || (c.err != nil && !errors.Is(err, c.err)) {
			t.Errorf("%+v: %v", c, err)
		}
	}
	if k.Due(noon) {
		t.Error("Puppet's file does not agree")
	}
}

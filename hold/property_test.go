package hold

import (
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/puppet-cron/puppet-cron/api"
	"github.com/puppet-cron/puppet-cron/puppet"
	"github.com/puppet-cron/puppet-cron/scheduler"
	"github.com/puppet-cron/puppet-cron/state"
)

// Three owners hold and let go, holds end, processes die between two writes, the
// machine reboots, the clock is set, and Puppet is disabled and enabled without us.
// After every step the node is held exactly when a model of a dozen lines says so,
// and nobody has lost his hold. SOAK=full takes 10,000 sequences.
func TestAgainstModel(t *testing.T) {
	sequences := 1_000
	if os.Getenv("SOAK") == "full" {
		sequences = 10_000
	}
	counts := map[string]int{}
	for seed := range sequences {
		w := newWorld(t, uint64(seed))
		for range 15 + w.rnd.IntN(30) {
			name := w.step()
			counts[name]++
			if why := w.disagrees(); why != "" {
				t.Fatalf("sequence %d: %s\n%s", seed, why, strings.Join(w.log, "\n"))
			}
		}
		os.RemoveAll(w.tmp)
	}
	t.Logf("%d sequences: %v", sequences, counts)
}

var owners = []string{"anna", "bob", "carla"}

// world is a node, and a model of who holds it.
type world struct {
	t    *testing.T
	rnd  *rand.Rand
	tmp  string
	now  time.Time
	keep Keeper
	log  []string

	held    map[string]Hold // as the model has it
	plain   bool            // Puppet's file is there, and nobody of ours wrote it
	settled bool            // nothing happened since the last whole Reconcile
	corrupt bool
	meddled bool // somebody came in between
}

type crashed struct{}

func newWorld(t *testing.T, seed uint64) *world {
	t.Helper()
	tmp, err := os.MkdirTemp(fastDir(t), "hold")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(tmp) })
	dir, err := state.Open(filepath.Join(tmp, "state"))
	if err != nil {
		t.Fatal(err)
	}
	return &world{
		t: t, rnd: rand.New(rand.NewPCG(seed, 0)), tmp: tmp, now: time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC),
		keep: Keeper{State: dir, File: filepath.Join(tmp, "statedir", "agent_disabled.lock")}, held: map[string]Hold{},
	}
}

// fastDir is in memory where there is such a place: every write is synced.
func fastDir(t *testing.T) string {
	if fi, err := os.Stat("/dev/shm"); err == nil && fi.IsDir() {
		return "/dev/shm"
	}
	return t.TempDir()
}

// step does one thing, which may be cut off between any two of its writes.
func (w *world) step() string {
	w.now = w.now.Add(time.Duration(w.rnd.IntN(600)) * time.Second)
	w.settled = false
	who := owners[w.rnd.IntN(len(owners))]
	switch n := w.rnd.IntN(100); {
	case n < 25:
		one := w.aHold(who)
		return w.change(fmt.Sprintf("disable %+v", one), func(next map[string]Hold) { next[who] = one },
			func() error { _, err := w.keep.Set(one, w.now); return err })
	case n < 40:
		return w.change("enable "+who, func(next map[string]Hold) { delete(next, who) },
			func() error { _, err := w.keep.End(who, w.now); return err })
	case n < 44:
		return w.enableAll()
	case n < 62:
		return w.reconcile()
	case n < 72:
		return w.plainDisable()
	case n < 82:
		return w.plainEnable()
	case n < 92:
		w.now = w.now.Add(time.Duration(w.rnd.IntN(7200)) * time.Second)
		return w.did("time passes")
	case n < 95: // a wrong clock at boot, that is set right afterwards
		w.now = w.now.Add(-time.Duration(w.rnd.IntN(7200)) * time.Second)
		return w.did("reboot")
	case n < 97:
		return w.corruptFile()
	}
	w.litter()
	return w.did("leftovers")
}

func (w *world) did(what string) string {
	name, _, _ := strings.Cut(what, " ")
	w.log = append(w.log, w.now.Format(time.TimeOnly)+" "+what)
	return name
}

func (w *world) aHold(who string) Hold {
	kinds := []Kind{Disable, Disable, Disable, Noop, ScheduleOnly}
	one := Hold{Owner: who, Kind: kinds[w.rnd.IntN(len(kinds))], Reason: fmt.Sprintf("why %d", w.rnd.IntN(1000)), Since: w.now}
	if w.rnd.IntN(3) > 0 {
		end := w.now.Add(time.Duration(1+w.rnd.IntN(3600)) * time.Second)
		one.Until = &end
	}
	return one
}

// change is a change of the holds. Cut off, it has happened whole or not at all.
func (w *world) change(what string, apply func(map[string]Hold), do func() error) string {
	next := maps.Clone(w.held)
	apply(next)
	cutOff, err := w.mayCrash(do)
	switch {
	case w.corrupt:
		if !cutOff && !errors.Is(err, state.ErrCorrupt) {
			w.t.Fatalf("%s, over corrupt holds: %v", what, err)
		}
		return w.did("refused: " + what)
	case cutOff:
		w.did("crashed: " + what)
		if w.noted(next) {
			w.held = next
		}
		return "crash"
	case err != nil:
		w.t.Fatalf("%s: %v\n%s", what, err, strings.Join(w.log, "\n"))
	}
	w.held, w.settled = next, !w.meddled
	return w.did(what)
}

// mayCrash cuts many a thing off at a random place between its writes, if it comes
// there. At another somebody else may lift or disable Puppet, or both.
func (w *world) mayCrash(do func() error) (cutOff bool, err error) {
	crash, meddle := w.rnd.IntN(8), w.rnd.IntN(12)
	w.meddled = false
	w.keep.between = func() {
		if meddle--; meddle == -1 {
			w.meddle()
		}
		if crash--; crash == -1 {
			panic(crashed{})
		}
	}
	defer func() {
		if r := recover(); r != nil {
			if _, ok := r.(crashed); !ok {
				panic(r)
			}
			cutOff = true
		}
	}()
	return false, do()
}

func (w *world) meddle() {
	w.meddled = true
	if n := w.rnd.IntN(3); n < 2 {
		w.plainEnable()
		if n == 0 {
			return
		}
	}
	w.plainDisable()
}

// noted reports whether the holds in the file are these.
func (w *world) noted(want map[string]Hold) bool {
	got, err := Load(w.keep.State)
	return err == nil && describe(got.Active(w.now)) == describe(w.active(want))
}

func (w *world) enableAll() string {
	was := w.corrupt
	cutOff, err := w.mayCrash(func() error { _, err := w.keep.EndAll(w.now); return err })
	if err != nil {
		w.t.Fatalf("enable --all: %v", err)
	}
	if cutOff {
		if _, err := Load(w.keep.State); err == nil {
			w.corrupt = false
		}
		if (was && !w.corrupt) || w.noted(map[string]Hold{}) {
			w.held = map[string]Hold{}
		}
		w.did("crashed: enable --all")
		return "crash"
	}
	w.held, w.corrupt, w.settled = map[string]Hold{}, false, !w.meddled
	return w.did("enable-all")
}

func (w *world) reconcile() string {
	due := w.keep.Due(w.now)
	cutOff, err := w.mayCrash(func() error { _, err := w.keep.Reconcile(w.now); return err })
	switch {
	case w.corrupt:
		if due || !errors.Is(err, state.ErrCorrupt) {
			w.t.Fatalf("corrupt holds: due %v, %v", due, err)
		}
		return w.did("reconcile corrupt")
	case cutOff:
		w.did("crashed: reconcile")
		return "crash"
	case err != nil || (w.keep.Due(w.now) && !w.meddled):
		w.t.Fatalf("reconcile: %v, due again: %v", err, w.keep.Due(w.now))
	}
	w.settled = !w.meddled
	return w.did(fmt.Sprintf("reconcile, was due: %v", due))
}

// plainDisable is `puppet agent --disable`: nothing when the file is there.
func (w *world) plainDisable() string {
	if err := os.MkdirAll(filepath.Dir(w.keep.File), 0o755); err != nil {
		w.t.Fatal(err)
	}
	f, err := os.OpenFile(w.keep.File, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err == nil {
		fmt.Fprint(f, []string{`{"disabled_message":"plain"}`, "", "half {", `{"puppet-cron":{}}`}[w.rnd.IntN(4)])
		f.Close()
		w.plain = true
	}
	return w.did("plain --disable")
}

// plainEnable is `puppet agent --enable`: it unlinks, whosever the file is.
func (w *world) plainEnable() string {
	os.Remove(w.keep.File)
	w.plain = false
	return w.did("plain --enable")
}

// corruptFile is a disk that lost its mind. All that can be asked is that the node
// stays held until somebody looks.
func (w *world) corruptFile() string {
	if err := os.WriteFile(w.keep.State.File("holds.json"), []byte(`{"schema":1,"holds":[{"owner":"an`), 0o644); err != nil {
		w.t.Fatal(err)
	}
	w.corrupt = true
	return w.did("corrupt")
}

// litter is what a process leaves that dies within a write.
func (w *world) litter() {
	_ = os.WriteFile(w.keep.File+".puppet-cron", []byte("{"), 0o600)
	_ = os.WriteFile(filepath.Join(w.keep.State.Path(), ".tmp-holds.json-1"), []byte("{"), 0o600)
}

func (w *world) active(held map[string]Hold) []Hold {
	return slices.DeleteFunc(slices.Collect(maps.Values(held)), func(h Hold) bool { return h.Until != nil && !w.now.Before(*h.Until) })
}

func describe(holds []Hold) string {
	var all []string
	for _, h := range holds {
		all = append(all, h.String())
	}
	slices.Sort(all)
	return strings.Join(all, "\n")
}

// disagrees is in what the node does not agree with the model.
func (w *world) disagrees() string {
	file, err := puppet.ReadDisable(w.keep.File)
	if err != nil {
		return err.Error()
	}
	if (file != nil && file.Plain()) != w.plain {
		return fmt.Sprintf("a plain disable stands: %v; Puppet's file: %+v", w.plain, file)
	}
	holds, err := Load(w.keep.State)
	facts := scheduler.Facts{Now: w.now, Trigger: api.Schedule}
	holds.Facts(&facts, file)
	if w.corrupt {
		if err == nil || facts.Held == nil || !facts.Held.Everyone {
			return fmt.Sprintf("corrupt holds hold nothing: %v, %+v", err, facts.Held)
		}
		return ""
	}
	if err != nil {
		return err.Error()
	}
	if got, want := describe(holds.Active(w.now)), describe(w.active(w.held)); got != want {
		return fmt.Sprintf("the holds are\n%s\nand should be\n%s", got, want)
	}
	return w.factsDisagree(facts, file)
}

func (w *world) factsDisagree(facts scheduler.Facts, file *api.DisableInfo) string {
	var disable []Hold
	kinds := map[Kind]bool{}
	for _, h := range w.active(w.held) {
		kinds[h.Kind] = true
		if h.Kind == Disable {
			disable = append(disable, h)
		}
	}
	switch {
	case (facts.Disabled != nil) != (w.plain || kinds[Disable]), (facts.Held != nil) != kinds[ScheduleOnly], (facts.NoopHold != "") != kinds[Noop]:
		return fmt.Sprintf("facts %+v; should be %v, plain: %v", facts, kinds, w.plain)
	case !w.settled || w.plain:
		return ""
	case (file != nil) != kinds[Disable]:
		return fmt.Sprintf("Puppet's file is %+v, and disabled is %v", file, kinds[Disable])
	}
	for _, h := range disable {
		if !strings.Contains(file.By, h.Owner) || !strings.Contains(file.Reason, h.Reason) {
			return fmt.Sprintf("Puppet's file says %+v and not %s", file, h.String())
		}
	}
	return ""
}

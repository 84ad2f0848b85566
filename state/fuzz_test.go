package state_test

import (
	"encoding/json"
	"errors"
	"os"
	"runtime"
	"testing"

	"github.com/puppet-cron/puppet-cron/api"
	"github.com/puppet-cron/puppet-cron/state"
)

// fuzzFile puts arbitrary bytes into a state file: reading it says that it is
// corrupt or newer, or gives something valid that can be written again.
func fuzzFile(f *testing.F, name string, valid func(any) error) {
	file := stateFiles(f, newDir(f))[name]
	for _, seed := range []string{
		file.good, file.good[:len(file.good)-2], "", "null", "{", `{"schema":2}`, `{"schema":1,"id":null}`, "\xff\x00",
		`{"schema":1,"SCHEMA":9,"id":"` + newID(1) + `"}`, `{"schema":1e0}`, `{"schema":99999999999999999999}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		must(t, os.WriteFile(file.path, data, 0o600))
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		v, err := file.read()
		runtime.ReadMemStats(&after)
		if used := after.TotalAlloc - before.TotalAlloc; used > 64<<10+200*uint64(len(data)) {
			t.Errorf("%d bytes of memory for %d bytes", used, len(data))
		}
		if err != nil {
			if !errors.Is(err, state.ErrCorrupt) && !errors.Is(err, state.ErrNewer) {
				t.Error(err)
			}
			return
		}
		if err := valid(v); err != nil {
			t.Error(err)
		}
		if _, err := json.Marshal(v); err != nil {
			t.Errorf("cannot be written again: %v", err)
		}
	})
}

func FuzzRunning(f *testing.F) {
	fuzzFile(f, "running", func(v any) error {
		if r := v.(*state.Running); !api.ValidID(r.ID) || r.TimeoutS < 0 || r.Schema != 1 {
			return errors.New("not valid")
		}
		return nil
	})
}

func FuzzRequest(f *testing.F) {
	fuzzFile(f, "request", func(v any) error {
		if r := v.(*state.Request); r.ID != newID(1) || (r.Trigger == "") != (r.Kind == state.ForHold) || r.WaitS < 0 || r.TimeoutS < 0 || r.Schema != 1 {
			return errors.New("not valid")
		}
		return nil
	})
}

func validRun(v any) error { return v.(*api.Run).Validate() }

func FuzzRunRecord(f *testing.F) { fuzzFile(f, "run", validRun) }

func FuzzLast(f *testing.F) { fuzzFile(f, "last-run.json", validRun) }

func FuzzPuppet(f *testing.F) { fuzzFile(f, "puppet", func(any) error { return nil }) }

func FuzzSchedule(f *testing.F) {
	fuzzFile(f, "schedule.json", func(v any) error { return v.(*state.Schedule).Ledger.Valid() })
}

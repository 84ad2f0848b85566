package reporter

import (
	"errors"
	"io/fs"
	"testing"

	"github.com/puppet-cron/puppet-cron/api"
)

// What somebody gives up is gone and counted, and with the last of it the failure is over.
func TestDrop(t *testing.T) {
	col, d := newCollector(t), newState(t, 4)
	col.status = func(id string) api.Status {
		return map[string]api.Status{newID(2): api.Forbidden, newID(3): api.Forbidden, newID(4): api.Rejected}[id]
	}
	r := newReporter(t, d, col.URL)
	if err := r.Flush(t.Context()); err == nil {
		t.Fatal("no error")
	}
	wantSpool(t, d, 2, 1)
	if n, err := r.Drop(t.Context(), newID(1), newID(2), newID(4), "../x"); n != 2 || !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("%d are dropped, %v", n, err)
	}
	wantSpool(t, d, 1, 0)
	if known, err := d.Reporting(); err != nil || known.LastError == "" {
		t.Errorf("%+v, %v: one is forbidden still", known, err)
	}
	if n, err := r.Drop(t.Context()); n != 1 || err != nil {
		t.Errorf("%d are dropped, %v", n, err)
	}
	wantSpool(t, d, 0, 0)
	if known, err := d.Reporting(); err != nil || known.LastError != "" || known.FailingSince != nil || known.NextTry != nil || known.LastSuccess == nil {
		t.Errorf("%+v, %v: nothing fails any more", known, err)
	}
	record(t, d, aRun(5))
	must(t, r.Flush(t.Context()))
	if told := col.calls[col.requests()-1].runs[0].DroppedBefore; told != 3 {
		t.Errorf("the next outcome tells of %d", told)
	}
}

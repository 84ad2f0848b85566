package reporter

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/puppet-cron/puppet-cron/api"
	"github.com/puppet-cron/puppet-cron/config"
	"github.com/puppet-cron/puppet-cron/splay"
	"github.com/puppet-cron/puppet-cron/state"
)

// A pass tries each entry that waits once.
type pass struct {
	*Reporter
	by      config.Reporter
	drain   *state.Drain
	session *session // nil until there is something to send

	single   bool // the collector knows no batches
	smaller  int  // what a batch of the next pass may have, if not 0
	taken    int
	rejected int
	strikes  int      // requests that failed, and may do so for their runs' sake alone
	slot     *float64 // of the last answer that had one
	failed   *failure // the last
}

// maxStrikes is how many requests may be refused, each for a reason that may be that of its
// runs, before the collector is let alone for a while.
const maxStrikes = 5

// room is left in a batch for what is around its runs.
const room = 1 << 10

// inTurn puts behind all others what failed before, so that it keeps nobody up.
func (r *Reporter) inTurn(ids []string) []string {
	kept := make(map[string]int)
	for _, id := range ids {
		if n := r.tries[id]; n > 0 {
			kept[id] = n
		}
	}
	r.tries = kept
	slices.SortStableFunc(ids, func(a, b string) int { return cmp.Compare(kept[a], kept[b]) })
	return ids
}

// step is what comes after a request.
type step int

const (
	onward step = iota
	smaller
	stop
)

// send sends runs by their ids until all are tried or there is no sense in going on. An
// error is one of this node's own files.
func (p *pass) send(ctx context.Context, ids []string) error {
	for len(ids) > 0 {
		if ctx.Err() != nil {
			p.failed = &failure{text: "there was no time for all: " + context.Cause(ctx).Error()}
			return nil
		}
		n := min(len(ids), p.size())
		entries, over, err := p.drain.Take(ids[:n], api.MaxBatchBytes-room)
		if err != nil {
			return err
		}
		ids = slices.Concat(over, ids[n:])
		if len(entries) == 0 {
			continue
		}
		if p.session == nil {
			if p.session, err = p.open(p.by); err != nil {
				return err
			}
		}
		next, err := p.try(ctx, entries)
		switch {
		case err != nil:
			return err
		case next == smaller:
			ids = slices.Concat(names(entries), ids)
		case next == stop:
			return nil
		}
	}
	return nil
}

func (p *pass) close() {
	if p.session != nil {
		p.session.close()
	}
}

func names(entries []state.Entry) []string {
	var ids []string
	for _, e := range entries {
		ids = append(ids, e.ID)
	}
	return ids
}

// size is how many runs may go into one request.
func (p *pass) size() int {
	if p.single {
		return 1
	}
	if p.batch <= 0 {
		p.batch = api.MaxBatchRuns
	}
	return p.batch
}

// try sends some entries in one request.
func (p *pass) try(ctx context.Context, entries []state.Entry) (step, error) {
	if len(entries) == 1 {
		return p.one(ctx, entries[0])
	}
	a, f := p.session.batch(ctx, entries)
	if f == nil {
		p.batch = min(2*p.batch, api.MaxBatchRuns)
		return onward, p.settle(a, names(entries))
	}
	switch f.status {
	case http.StatusNotFound, http.StatusMethodNotAllowed:
		p.single = true
		return smaller, nil
	case http.StatusForbidden: // all are another node's, or one of them is why: then the next pass finds it
		p.smaller = max(1, len(entries)/2)
		return p.behind(f, names(entries)...), nil
	}
	p.batch = max(1, len(entries)/2) // one of them may be why
	switch f.status {
	case http.StatusBadRequest, http.StatusRequestEntityTooLarge, http.StatusUnprocessableEntity:
		return smaller, nil
	}
	p.failed = f
	return stop, nil
}

// one sends a single run.
func (p *pass) one(ctx context.Context, e state.Entry) (step, error) {
	a, f := p.session.put(ctx, e.ID, e.Run)
	if f == nil {
		p.batch = min(2*max(p.batch, 1), api.MaxBatchRuns)
		p.strikes = 0
		return onward, p.settle(a, []string{e.ID})
	}
	if f.final {
		p.reject(e.ID, strconv.Itoa(f.status), f.answer)
		return onward, nil
	}
	next := p.behind(f, e.ID)
	switch f.status {
	case http.StatusBadRequest, http.StatusForbidden, http.StatusConflict, http.StatusRequestEntityTooLarge,
		http.StatusUnsupportedMediaType, http.StatusUnprocessableEntity:
		return next, nil
	}
	return stop, nil
}

// behind has runs tried again after all others, and goes on to those as long as what failed
// may be the runs' own.
func (p *pass) behind(f *failure, ids ...string) step {
	for _, id := range ids {
		p.tries[id]++
	}
	p.failed = f
	if p.strikes++; p.strikes < maxStrikes {
		return onward
	}
	return stop
}

// settle does with each run what the collector said of it. Only a run that it named by
// its id was answered for.
func (p *pass) settle(a *api.Answer, ids []string) error {
	if a.Slot != nil && splay.Valid(*a.Slot) {
		p.slot = a.Slot
	}
	said := make(map[string]api.Result)
	for _, res := range a.Results {
		if _, twice := said[res.ID]; !twice {
			said[res.ID] = res
		}
	}
	var taken, refused []string
	for _, id := range ids {
		switch res := said[id]; {
		case res.Status.Taken():
			taken = append(taken, id)
		case res.Status == api.Rejected:
			refused = append(refused, id)
		default:
			p.tries[id]++
			p.failed = &failure{text: fmt.Sprintf("%s answers for run %s: %s", p.session.where(), id, refusal(res))}
		}
	}
	p.taken += len(taken)
	err := p.drain.Taken(taken...)
	for _, id := range refused {
		p.reject(id, string(api.Rejected), said[id].Error)
	}
	return err
}

func refusal(res api.Result) string {
	if res.Status == "" {
		return "nothing"
	}
	text := fmt.Sprintf("%q", short(string(res.Status)))
	if res.Error != "" {
		text += " (" + short(res.Error) + ")"
	}
	return text
}

// reject sets a run aside. One for which that cannot be done stays.
func (p *pass) reject(id, status, answer string) {
	err := p.drain.Reject(id, state.Refusal{At: time.Now().UTC(), Status: status, Answer: short(answer)})
	if err != nil {
		p.tries[id]++
		p.failed = &failure{text: fmt.Sprintf("run %s, which the collector refuses for good, cannot be set aside: %s", id, short(err.Error()))}
		return
	}
	p.rejected++
	p.Log.Error("the collector refused an outcome for good; it is kept in "+p.State.RejectedDir()+", and `puppet-cron report retry` sends it again",
		"run", id, "status", status, "answer", short(answer))
}

// body is a batch of runs as they were written, byte by byte: their sizes were counted.
func body(entries []state.Entry) []byte {
	var b bytes.Buffer
	b.WriteString(`{"runs":[`)
	for i, e := range entries {
		if i > 0 {
			b.WriteByte(',')
		}
		b.Write(e.Run)
	}
	b.WriteString("]}")
	return b.Bytes()
}

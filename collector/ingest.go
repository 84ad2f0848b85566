package collector

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strings"

	"github.com/puppet-cron/puppet-cron/api"
)

type putInput struct {
	ID string `path:"id" doc:"The run's id: a UUID in lower case, the same as in the body."`
}

type answerOutput struct {
	Status int
	Body   api.Answer
}

// putRun stores one run.
func (c *Collector) putRun(ctx context.Context, in *putInput) (*answerOutput, error) {
	req := requestOf(ctx)
	b, err := c.bodies.read(req.w, req.http)
	if errors.Is(err, errTooLarge) {
		return nil, reject(http.StatusRequestEntityTooLarge, "%v", err)
	}
	if err != nil {
		return nil, err
	}
	defer b.release()
	run, err := decodeRun(b.data)
	if err != nil {
		return nil, reject(http.StatusBadRequest, "%v", err)
	}
	if run.ID != in.ID {
		return nil, refuse(http.StatusBadRequest, "the id in the path is not that of the run")
	}
	if !req.who.speaksFor(run.Certname) {
		c.foreign(req, run)
		return nil, refuse(http.StatusForbidden, "%s", req.who.stranger())
	}
	if err := run.Validate(); err != nil {
		c.metrics.result(api.Rejected)
		return nil, reject(http.StatusUnprocessableEntity, "the run cannot be stored").listing(err)
	}
	receipts, err := c.commits.put([]*api.Run{run})
	if err != nil {
		return nil, c.failed(ctx, err)
	}
	c.ends.note(req.http.TLS, run.Certname)
	return c.answerOne(ctx, run, receipts[0])
}

func (c *Collector) answerOne(ctx context.Context, run *api.Run, r Receipt) (*answerOutput, error) {
	c.metrics.result(r.Status)
	out := &answerOutput{Status: http.StatusOK, Body: api.Answer{Results: []api.Result{{ID: run.ID, Status: r.Status}}, Slot: r.Slot}}
	switch r.Status {
	case api.Stored:
		out.Status = http.StatusCreated
	case api.AlreadyIn:
	case api.Rejected:
		return nil, reject(http.StatusUnprocessableEntity, "the run cannot be stored").listing(errors.New(r.Error))
	default:
		return nil, internal(requestID(ctx))
	}
	return out, nil
}

// foreign notes that a run came from somebody else than its node.
func (c *Collector) foreign(req *request, run *api.Run) {
	c.metrics.result(api.Forbidden)
	c.refused(req.http, req.who, "run.put", run.Certname, "run "+shorten(run.ID, 64)+" is another node's")
}

// A sorted batch: results has one for each run that was sent, runs are those that may be
// stored, and at says which results are theirs.
type sortedBatch struct {
	who      *caller
	results  []api.Result
	runs     []*api.Run
	at       []int
	foreign  *api.Run // the last one, nil without any
	foreigns int
}

// putBatch stores a backlog. Each run has its own result: none keeps another from being
// stored. A problem is of the batch, never of its runs, so it is none to give runs up for.
func (c *Collector) putBatch(ctx context.Context, _ *struct{}) (*answerOutput, error) {
	req := requestOf(ctx)
	b, err := c.bodies.read(req.w, req.http)
	if errors.Is(err, errTooLarge) {
		return nil, refuse(http.StatusRequestEntityTooLarge, "%v; send fewer runs at once", err)
	}
	if err != nil {
		return nil, err
	}
	defer b.release()
	batch := &sortedBatch{who: req.who}
	err = decodeBatch(b.data, batch.add)
	if errors.Is(err, errTooMany) {
		return nil, refuse(http.StatusRequestEntityTooLarge, "%v", err)
	}
	if err != nil {
		return nil, refuse(http.StatusBadRequest, "%v", err)
	}
	if batch.foreign != nil {
		c.foreign(req, batch.foreign)
		if batch.foreigns == len(batch.results) {
			return nil, refuse(http.StatusForbidden, "%s", req.who.stranger())
		}
	}
	return c.storeBatch(ctx, batch)
}

// add judges one run: what is refused is let go before the next is looked at.
func (s *sortedBatch) add(raw []byte, run *api.Run, err error) {
	if err != nil {
		s.results = append(s.results, api.Result{ID: findID(raw), Status: api.Rejected, Error: err.Error()})
		return
	}
	result := api.Result{ID: shorten(run.ID, 64)}
	switch err := run.Validate(); {
	case !s.who.speaksFor(run.Certname):
		result.Status, result.Error = api.Forbidden, s.who.stranger()
		s.foreign = &api.Run{ID: run.ID, Certname: run.Certname}
		s.foreigns++
	case err != nil:
		result.Status, result.Error = api.Rejected, shorten(strings.ReplaceAll(err.Error(), "\n", "; "), 4<<10)
	default:
		s.runs, s.at = append(s.runs, run), append(s.at, len(s.results))
	}
	s.results = append(s.results, result)
}

// findID looks for the id of a run that is not in the right form, so that its node knows
// which one is meant.
func findID(data []byte) string {
	var run struct {
		ID string `json:"id"`
	}
	_ = json.Unmarshal(data, &run) // what there is of it will do
	return shorten(run.ID, 64)
}

// storeBatch commits what may be stored. A run that the store failed at has a status that
// no node takes for an end of it.
func (c *Collector) storeBatch(ctx context.Context, b *sortedBatch) (*answerOutput, error) {
	out := &answerOutput{Status: http.StatusOK, Body: api.Answer{Results: b.results}}
	if len(b.runs) > 0 {
		receipts, err := c.commits.put(b.runs)
		if err != nil {
			return nil, c.failed(ctx, err)
		}
		c.ends.note(requestOf(ctx).http.TLS, b.runs[0].Certname)
		for i, r := range receipts {
			result := &b.results[b.at[i]]
			result.Status, result.Error = r.Status, r.Error
			if r.Status == "" {
				result.Status, result.Error = notStored, "internal error; see request "+requestID(ctx)
			}
			if r.Slot != nil {
				out.Body.Slot = r.Slot
			}
		}
	}
	for _, r := range b.results {
		c.metrics.result(r.Status)
	}
	return out, nil
}

// notStored is the status of a run that the store failed at: it may be sent again.
const notStored api.Status = "failed"

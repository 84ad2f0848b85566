package alerts

import (
	"context"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// digestEvery is how often it is looked for changes.
	digestEvery = 5 * time.Second
	// sendEvery is how often it is looked for deliveries that others have made, or that are due again.
	sendEvery = 2 * time.Second
	// lease is for how long nobody else sends what one has begun to: longer than a try takes.
	lease = sendTimeout + 20*time.Second
	// A failed delivery is tried again after a random part of a time that doubles, from backoffFirst
	// up to backoffMost.
	backoffFirst = 10 * time.Second
	backoffMost  = time.Hour
	// giveUpAfter is for how long it is tried.
	giveUpAfter = 3 * 24 * time.Hour
	// keepFor is for how long what was told is remembered once it is over.
	keepFor     = 90 * 24 * time.Hour
	forgetEvery = time.Hour
	forgetStep  = 100
)

// Options are what a Worker is made of.
type Options struct {
	Store    Store
	Policy   Policy // but for Webhooks, which are those below
	Webhooks []Webhook
	Log      *slog.Logger
	Now      func() time.Time // nil: time.Now
	// Observe hears of each try, with "taken" or "failed". May be nil.
	Observe func(webhook, result string)
}

// A Worker digests changes and delivers alerts. Several, of several collectors, may work on one store.
type Worker struct {
	Options
	client *http.Client
	last   atomic.Int64 // when it was last looked for changes, in seconds since 1970
}

// New makes a Worker.
func New(o Options) *Worker {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Observe == nil {
		o.Observe = func(string, string) {}
	}
	o.Policy.Webhooks = nil
	for _, h := range o.Webhooks {
		o.Policy.Webhooks = append(o.Policy.Webhooks, h.Name)
	}
	return &Worker{Options: o, client: newClient()}
}

// Digested is when it was last looked for changes with success; zero before the first time.
func (w *Worker) Digested() time.Time {
	if s := w.last.Load(); s != 0 {
		return time.Unix(s, 0)
	}
	return time.Time{}
}

// Run works until ctx is done. A webhook that hangs holds up no other.
func (w *Worker) Run(ctx context.Context) {
	var parts sync.WaitGroup
	defer parts.Wait()
	defer w.client.CloseIdleConnections()
	parts.Go(func() { w.every(ctx, digestEvery, "digest what has changed: nobody is told of it", w.Digest) })
	parts.Go(func() { w.every(ctx, forgetEvery, "forget old alerts", w.Forget) })
	for i := range w.Webhooks {
		h := &w.Webhooks[i]
		parts.Go(func() {
			w.every(ctx, sendEvery, "look for deliveries to webhook "+h.Name, func(ctx context.Context) error { return w.Send(ctx, h) })
		})
	}
}

// every does something again and again. Of failures it logs the first, and that they are over.
func (w *Worker) every(ctx context.Context, wait time.Duration, what string, do func(context.Context) error) {
	ill := false
	for {
		select {
		case <-time.After(wait):
		case <-ctx.Done():
			return
		}
		switch err := do(ctx); {
		case ctx.Err() != nil:
			return
		case err != nil && !ill:
			w.Log.Error("cannot "+what+"; it is tried again", "error", err)
			ill = true
		case err == nil && ill:
			w.Log.Info("it is possible again to " + what)
			ill = false
		}
	}
}

// Digest makes alerts of what has changed.
func (w *Worker) Digest(ctx context.Context) error {
	now := w.Now().UTC().Truncate(time.Microsecond) // as databases keep it
	err := w.Store.Digest(ctx, now, func(s *Situation) Decision {
		d := w.Policy.Decide(s, now)
		for _, n := range d.New {
			w.Log.Info("alert", "event", string(n.Event), "kind", string(n.Kind), "reason", string(n.Reason), "nodes", n.Count, "id", n.ID)
		}
		return d
	})
	if err == nil {
		w.last.Store(now.Unix())
	}
	return err
}

// Send delivers to one webhook all that is due.
func (w *Worker) Send(ctx context.Context, h *Webhook) error {
	for ctx.Err() == nil {
		d, err := w.Store.Claim(ctx, h.Name, w.Now(), lease)
		if err != nil || d == nil {
			return err
		}
		if err := w.deliver(ctx, h, d); err != nil {
			return err
		}
	}
	return ctx.Err()
}

// deliver makes one try. What became of it is noted although the collector is to end: who has
// taken it should not get it twice.
func (w *Worker) deliver(ctx context.Context, h *Webhook, d *Delivery) error {
	failure := h.send(ctx, w.client, d, w.Now())
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), sendTimeout)
	defer cancel()
	now := w.Now()
	switch {
	case failure == nil:
		w.Observe(h.Name, "taken")
		return w.Store.Settle(ctx, d.ID, now, "")
	case now.Sub(d.Created) >= giveUpAfter:
		w.Observe(h.Name, "failed")
		w.Log.Error("an alert was given up: its webhook did not take it for three days", "webhook", h.Name, "delivery", d.ID, "tries", d.Tries, "error", failure)
		return w.Store.Settle(ctx, d.ID, now, failure.Error())
	}
	w.Observe(h.Name, "failed")
	wait := backoff(d.Tries)
	w.Log.Warn("a webhook did not take an alert", "webhook", h.Name, "delivery", d.ID, "tries", d.Tries, "next", wait, "error", failure)
	return w.Store.Postpone(ctx, d.ID, now.Add(wait), failure.Error())
}

// backoff is how long is waited after so many tries: full jitter, so that a receiver that is back
// does not get all at once.
func backoff(tries int) time.Duration {
	most := backoffMost
	if tries < 10 {
		most = min(backoffFirst<<max(tries-1, 0), backoffMost)
	}
	return time.Second + rand.N(most)
}

// Forget removes what was told long ago.
func (w *Worker) Forget(ctx context.Context) error {
	now := w.Now()
	for more := true; more && ctx.Err() == nil; {
		var err error
		if more, err = w.Store.Forget(ctx, now, now.Add(-giveUpAfter-backoffMost), now.Add(-keepFor), forgetStep); err != nil {
			return err
		}
	}
	return ctx.Err()
}

package reporter

import (
	"context"
	"net/http"
	"testing"
	"testing/synctest"
	"time"
)

// A request outlasts the service by its grace and no more; the service never waits longer
// than the request takes.
func TestOutlasting(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		parent, stop := context.WithCancel(t.Context())
		ctx, cancel := outlasting(parent, 5*time.Second)
		defer cancel()
		stop()
		time.Sleep(4 * time.Second)
		if ctx.Err() != nil {
			t.Error("it ends before its time")
		}
		time.Sleep(2 * time.Second)
		if ctx.Err() == nil {
			t.Error("it does not end")
		}
		short, done := outlasting(parent, time.Hour)
		done() // and nothing stays behind, or the bubble would not end
		if short.Err() == nil {
			t.Error("it does not end with its request")
		}
	})
}

// What is on its way when the service is told to stop is heard of, and nothing else is
// begun.
func TestStopWithGrace(t *testing.T) {
	c, d := newCollector(t), newState(t, 2)
	r := newReporter(t, d, c.URL)
	r.batch, r.Grace = 1, 10*time.Second
	ctx, stop := context.WithCancel(t.Context())
	c.answer = func(http.ResponseWriter, call) bool {
		stop()
		return false
	}
	ended := make(chan struct{})
	go func() { defer close(ended); r.Run(ctx, nil) }()
	select {
	case <-ended:
	case <-time.After(20 * time.Second):
		t.Fatal("it does not end")
	}
	c.wantStored(t, 1)
	wantSpool(t, d, 1, 0)
}

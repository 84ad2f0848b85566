package faults

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// network puts an injector before a server that answers with 10,000 bytes, after it has read the request.
func network(t *testing.T, c Config) (i *Injector, client *http.Client, served *atomic.Int64) {
	t.Helper()
	served = new(atomic.Int64)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		io.Copy(io.Discard, r.Body)
		served.Add(1)
		w.Write(bytes.Repeat([]byte("x"), 10_000))
	}))
	t.Cleanup(server.Close)
	if c.Server == nil {
		c.Server = server.Listener.Addr().String
	}
	i, err := Listen(c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(i.Close)
	client = &http.Client{
		Transport:     &http.Transport{DisableKeepAlives: true},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	return i, client, served
}

// put sends 9,000 bytes, more than any fate lets through that ends with their count, and reads the answer.
func put(t *testing.T, client *http.Client, i *Injector) (status, length int, err error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodPut, "http://"+i.Addr()+"/v1/runs/x", strings.NewReader(strings.Repeat("y", 9_000)))
	if err != nil {
		t.Fatal(err)
	}
	response, err := client.Do(request)
	if err != nil {
		return 0, 0, err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	return response.StatusCode, len(body), err
}

// TestFates: a client meets what the fate's name says, and the server hears of it or not.
func TestFates(t *testing.T) {
	for _, c := range []struct {
		fate   Fate
		served bool
		is     func(status, length int, err error) bool
	}{
		{Pass, true, func(status, length int, err error) bool { return err == nil && status == 200 && length == 10_000 }},
		{Delay, true, func(status, length int, err error) bool { return err == nil && status == 200 && length == 10_000 }},
		{Refuse, false, func(_, _ int, err error) bool { return err != nil }},
		{Silence, false, func(_, _ int, err error) bool { return err != nil }},
		{Cut, true, func(_, length int, err error) bool { return err != nil && length < 10_000 }},
		{Unheard, true, func(status, _ int, err error) bool { return err != nil && status == 0 }},
		{Swallow, true, func(status, _ int, err error) bool { return err != nil && status == 0 }},
		{Stranger, false, func(status, length int, err error) bool {
			return (err == nil && length < 10_000) || errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE)
		}},
	} {
		t.Run(string(c.fate), func(t *testing.T) {
			t.Parallel()
			i, client, served := network(t, Config{Odds: map[Fate]float64{c.fate: 1}, Patience: 500 * time.Millisecond})
			for n := range 5 {
				status, length, err := put(t, client, i)
				if !c.is(status, length, err) {
					t.Errorf("request %d: %d, %d bytes, %v", n, status, length, err)
				}
			}
			if got := served.Load(); (got == 5) != c.served || (got == 0) == c.served {
				t.Errorf("the server heard %d of 5 requests", got)
			}
			if counts := i.Counts(); counts[c.fate] < 5 { // a client may try again by itself
				t.Errorf("counted: %v", counts)
			}
		})
	}
}

// TestStrangersDiffer: all the answers of strangers come.
func TestStrangersDiffer(t *testing.T) {
	i, client, _ := network(t, Config{Odds: map[Fate]float64{Stranger: 1}, Patience: time.Minute})
	seen := map[int]bool{}
	for range 300 {
		if status, _, err := put(t, client, i); err == nil {
			seen[status] = true
		}
	}
	for _, a := range answers {
		if !seen[a.status] {
			t.Errorf("%d was never answered", a.status)
		}
	}
}

// TestHeal: once healed, all passes, whatever the odds; what was held is let go.
func TestHeal(t *testing.T) {
	i, client, _ := network(t, Config{Odds: map[Fate]float64{Silence: 1}, Patience: time.Hour})
	held := make(chan error)
	go func() {
		_, _, err := put(t, client, i)
		held <- err
	}()
	for i.Counts()[Silence] == 0 {
		time.Sleep(time.Millisecond)
	}
	i.Heal()
	if err := <-held; err == nil {
		t.Error("nobody was there, and somebody answered")
	}
	if status, length, err := put(t, client, i); status != 200 || length != 10_000 || err != nil {
		t.Errorf("healed: %d, %d bytes, %v", status, length, err)
	}
}

// TestNobody: a server that is not there is a reset.
func TestNobody(t *testing.T) {
	i, client, served := network(t, Config{Server: func() string { return "127.0.0.1:1" }, Patience: time.Minute})
	if _, _, err := put(t, client, i); err == nil || served.Load() != 0 {
		t.Errorf("an answer of nobody: %v", err)
	}
}

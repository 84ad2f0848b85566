package alerts

import (
	"context"
	"encoding/base64"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/puppet-cron/puppet-cron/collector/standing"
)

var t0 = time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC)

func delivery() *Delivery {
	return &Delivery{ID: "d1", Webhook: "ops", Alert: &Alert{ID: "a1", Kind: standing.Errored, Nodes: []string{"web01"}, Count: 1}}
}

// The test vector is the one of the Standard Webhooks specification's reference implementations.
func TestSign(t *testing.T) {
	secret, err := base64.StdEncoding.DecodeString("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
	if err != nil {
		t.Fatal(err)
	}
	got := Sign(secret, "msg_p5jXN8AQM9LWM0D4loKWxJek", "1614265330", []byte(`{"test": 2432232314}`))
	if want := "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

// A receiver gets what it can check, and what it answers says whether it has taken it.
func TestSend(t *testing.T) {
	secret := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(secret, []byte("s3cret\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, tt := range map[string]struct {
		answer http.HandlerFunc
		want   string // of the error; "" for none
	}{
		"taken": {func(w http.ResponseWriter, r *http.Request) {
			body, _ := io.ReadAll(r.Body)
			h := r.Header
			if h.Get("Webhook-Signature") != Sign([]byte("s3cret"), h.Get("Webhook-Id"), h.Get("Webhook-Timestamp"), body) || h.Get("Webhook-Id") != "d1" {
				w.WriteHeader(http.StatusUnauthorized)
			}
			if !strings.HasPrefix(string(body), `{"delivery_id":"d1","schema":0,"id":"a1"`) {
				w.WriteHeader(http.StatusBadRequest)
			}
		}, ""},
		"refused": {func(w http.ResponseWriter, _ *http.Request) {
			http.Error(w, "no\x1b[31m such hook", http.StatusNotFound)
		}, "the answer is 404: no"},
		"moved":    {func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/elsewhere", http.StatusFound) }, "the answer is 302"},
		"endless":  {endless, ""},
		"cut off":  {func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, "EOF"},
		"no final": {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNotModified) }, "the answer is 304"},
	} {
		server := httptest.NewServer(tt.answer)
		server.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelInfo)
		h := &Webhook{Name: "ops", URL: server.URL + "/s3cret-path", SecretFile: secret}
		err := h.send(t.Context(), newClient(), delivery(), t0)
		server.Close()
		switch {
		case err == nil && tt.want == "":
		case err == nil || tt.want == "" || !strings.Contains(err.Error(), tt.want):
			t.Errorf("%s: %v, want %q", name, err, tt.want)
		case strings.Contains(err.Error(), "s3cret") || strings.Contains(err.Error(), "\x1b"):
			t.Errorf("%s: the error shows what it must not: %q", name, err)
		}
	}
}

// endless sends more than anybody wants to read.
func endless(w http.ResponseWriter, _ *http.Request) {
	for range 1000 {
		if _, err := w.Write(make([]byte, 1<<16)); err != nil {
			return
		}
	}
}

func TestSecretFile(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string, mode os.FileMode) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), mode); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
		return path
	}
	for name, tt := range map[string]struct{ path, secret, want string }{
		"text":     {write("text", " s3cret \n", 0o640), "s3cret", ""},
		"base64":   {write("base64", "whsec_czNjcmV0", 0o600), "s3cret", ""},
		"no such":  {filepath.Join(dir, "none"), "", "no such file"},
		"readable": {write("open", "s3cret", 0o644), "", "chmod 640"},
		"empty":    {write("empty", "\n", 0o600), "", "is empty"},
		"bad":      {write("bad", "whsec_?", 0o600), "", "is not base64"},
		"a folder": {dir, "", "is no plain file"},
	} {
		got, err := readSecret(tt.path)
		if string(got) != tt.secret || (err == nil) != (tt.want == "") || err != nil && !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %q, %v; want %q, %q", name, got, err, tt.secret, tt.want)
		}
	}
}

// A webhook that hangs holds up itself, for ten seconds at a time, and nobody else.
func TestHangingWebhook(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &queue{due: map[string]int{"hangs": 3, "works": 3}, ended: map[string]int{}}
		w := New(Options{Store: s, Webhooks: []Webhook{{Name: "hangs", URL: "http://hangs"}, {Name: "works", URL: "http://works"}}, Log: slog.New(slog.DiscardHandler)})
		w.client.Transport = hanging{}
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() { w.Run(ctx); close(done) }()
		time.Sleep(3 * time.Second)
		synctest.Wait()
		if s.ended["works"] != 3 {
			t.Errorf("%d were delivered beside a webhook that hangs", s.ended["works"])
		}
		time.Sleep(40 * time.Second)
		synctest.Wait()
		if s.postponed != 3 {
			t.Errorf("%d of 3 were given back", s.postponed)
		}
		cancel()
		<-done
	})
}

// hanging answers for one host, and for the other one waits until it is given up.
type hanging struct{}

func (hanging) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.URL.Host == "hangs" {
		<-r.Context().Done()
		return nil, r.Context().Err()
	}
	return &http.Response{StatusCode: http.StatusOK, Body: http.NoBody, Request: r}, nil
}

// queue has deliveries and nothing else.
type queue struct {
	Store
	mu        sync.Mutex
	due       map[string]int
	ended     map[string]int
	postponed int
}

func (q *queue) Digest(context.Context, time.Time, func(*Situation) Decision) error { return nil }

func (q *queue) Claim(_ context.Context, webhook string, _ time.Time, _ time.Duration) (*Delivery, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.due[webhook] == 0 {
		return nil, nil
	}
	d := delivery()
	d.ID, d.Webhook, d.Created = webhook, webhook, time.Now()
	return d, nil
}

func (q *queue) Settle(_ context.Context, id string, _ time.Time, _ string) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.due[id]--
	q.ended[id]++
	return nil
}

func (q *queue) Postpone(_ context.Context, id string, _ time.Time, _ string) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.due[id]--
	q.postponed++
	return nil
}

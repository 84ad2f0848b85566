package collector_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/puppet-cron/puppet-cron/api"
	"github.com/puppet-cron/puppet-cron/collector"
)

// bigStore has a run with a log of 1 MiB.
type bigStore struct{ collector.Store }

func (bigStore) Run(context.Context, string) (*collector.Stored, error) {
	run := aRun("web01", 1)
	run.Log = strings.Repeat("x", 1<<20)
	return &collector.Stored{Run: *run}, nil
}

func (s bigStore) Runs(ctx context.Context, _ collector.RunFilter, _ collector.Page) ([]*collector.Stored, string, error) {
	run, err := s.Run(ctx, "")
	return []*collector.Stored{run, run, run, run}, "", err
}

// slowReader takes nothing until it is told to.
type slowReader struct {
	*httptest.ResponseRecorder
	takes chan struct{}
}

func (r slowReader) Write(p []byte) (int, error) {
	<-r.takes
	return r.ResponseRecorder.Write(p)
}

// Who asks for large runs and is slow to read them fills no memory: what is on its way to all
// of them is bounded, as what comes from them is.
func TestSlowReaders(t *testing.T) {
	for _, path := range []string{"/v1/runs", "/v1/runs/" + aRun("", 1).ID} {
		synctest.Test(t, func(t *testing.T) {
			c, err := collector.New(collector.Options{Store: bigStore{}, Dev: true, Limits: collector.Limits{BodyBytes: 8<<20 + 10_000}})
			if err != nil {
				t.Fatal(err)
			}
			takes := make(chan struct{})
			var readers []slowReader
			for range 20 {
				r := slowReader{httptest.NewRecorder(), takes}
				readers = append(readers, r)
				go c.Handler().ServeHTTP(r, httptest.NewRequest(http.MethodGet, path, nil))
			}
			synctest.Wait()
			close(takes)
			synctest.Wait()
			size, refused := 0, 0
			for _, r := range readers {
				size += r.Body.Len()
				if r.Code == http.StatusServiceUnavailable {
					refused++
				} else if r.Code != http.StatusOK || !strings.HasPrefix(r.Body.String(), "{") || r.Header().Get("Content-Type") != "application/json" {
					t.Errorf("%s: %d %.100s", path, r.Code, r.Body)
				}
			}
			if size > 9<<20 || refused == 0 || refused == len(readers) {
				t.Errorf("%s: %d MiB were on their way, %d of %d were told to come again", path, size>>20, refused, len(readers))
			}
			w := httptest.NewRecorder()
			c.Handler().ServeHTTP(w, httptest.NewRequest(http.MethodGet, path, nil))
			if w.Code != http.StatusOK || !strings.Contains(w.Body.String(), string(api.Changed)) {
				t.Errorf("%s: afterwards %d %.100s", path, w.Code, w.Body)
			}
		})
	}
}

package dashboard

import (
	"context"
	"sync"
	"time"

	"github.com/puppet-cron/puppet-cron/collector"
)

const (
	// freshFor is how old a picture of the fleet may be without that somebody fetches a new one,
	// staleAfter how old one may be that is shown meanwhile.
	freshFor   = 3 * time.Second
	staleAfter = 15 * time.Second
	// fetchTimeout bounds one fetch.
	fetchTimeout = 20 * time.Second
)

// snapshot is the fleet as it was a few seconds ago, for all who look at once. Nobody fetches it
// while nobody looks.
type snapshot struct {
	load func(context.Context) ([]collector.Line, error)
	now  func() time.Time

	mu       sync.Mutex
	lines    []collector.Line
	at       time.Time
	fetching chan struct{} // closed when the fetch under way has ended; nil: none is
	err      error         // of the last fetch
	changes  int           // fetches that began before the last one do not count
}

// get gives the lines, which nobody may change, and when they were fetched. It waits only where
// there is no picture that is young enough.
func (s *snapshot) get(ctx context.Context) ([]collector.Line, time.Time, error) {
	s.mu.Lock()
	age := s.now().Sub(s.at)
	if age < 0 || age >= freshFor || s.at.IsZero() {
		s.fetch()
	}
	if !s.at.IsZero() && age >= 0 && age < staleAfter {
		defer s.mu.Unlock()
		return s.lines, s.at, nil
	}
	fetching := s.fetching
	s.mu.Unlock()
	select {
	case <-fetching:
	case <-ctx.Done():
		return nil, time.Time{}, ctx.Err()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.lines, s.at, s.err
}

// fetch begins one unless it is under way. It outlives the request that asked for it.
func (s *snapshot) fetch() {
	if s.fetching != nil {
		return
	}
	done := make(chan struct{})
	s.fetching = done
	changes := s.changes
	go func() {
		ctx, cancel := context.WithTimeout(context.Background(), fetchTimeout)
		defer cancel()
		at := s.now()
		lines, err := s.load(ctx)
		s.mu.Lock()
		defer s.mu.Unlock()
		defer close(done)
		if s.changes != changes {
			return
		}
		s.err, s.fetching = err, nil
		if err == nil {
			s.lines, s.at = lines, at
		}
	}()
}

// drop makes the next who looks wait for a new picture: he has changed something.
func (s *snapshot) drop() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.at = time.Time{}
	s.changes++
	s.fetching = nil // what is under way may have begun before the change
}

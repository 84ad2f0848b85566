package reporter

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/puppet-cron/puppet-cron/api"
)

// Started tells the collector that a run has begun. It tries once: when the run ends, its
// outcome says all that a start would have said.
func (r *Reporter) Started(ctx context.Context, run *api.Run) error {
	c, _ := r.config()
	if c.URL == "" {
		return nil
	}
	data, err := json.Marshal(run)
	if err != nil {
		return err
	}
	s, err := r.open(c)
	if err != nil {
		return err
	}
	defer s.close()
	s.client.RetryMax = 0
	a, f := s.put(ctx, run.ID, data)
	if f != nil {
		return errors.New(f.text)
	}
	for _, res := range a.Results {
		if res.ID == run.ID && res.Status.Taken() {
			return nil
		}
	}
	return fmt.Errorf("%s did not take the start of run %s", s.where(), run.ID)
}

package reporter

import (
	"context"
	"errors"
)

// Drop gives outcomes up that the collector will never take, as somebody has seen: those of
// the ids, or all that wait when there is none. It says how many it was.
func (r *Reporter) Drop(ctx context.Context, ids ...string) (dropped int, err error) {
	drain, err := r.await(ctx)
	if err != nil {
		return 0, err
	}
	defer drain.Release()
	if len(ids) == 0 {
		if ids, _, err = drain.Waiting(); err != nil {
			return 0, err
		}
	}
	var errs []error
	for _, id := range ids {
		if err := drain.Drop(id); err != nil {
			errs = append(errs, err)
			continue
		}
		dropped++
	}
	if left, err := r.State.Spooled(); err == nil && left.Waiting == 0 { // then nothing fails any more
		r.publish(new(pass), result{})
	}
	return dropped, errors.Join(errs...)
}

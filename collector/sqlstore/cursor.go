package sqlstore

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math"
	"strings"

	"github.com/puppet-cron/puppet-cron/api"
	"github.com/puppet-cron/puppet-cron/collector"
)

// position is a place in the list of runs: the last one that was looked at.
type position struct {
	Received int64  `json:"r"`
	ID       string `json:"i"`
}

// A cursor is what it says in JSON, so encoded that nobody takes it for more.
func encodeCursor(v any) (string, error) {
	b, err := json.Marshal(v)
	return base64.RawURLEncoding.EncodeToString(b), err
}

func decodeCursor(s string, v any) error {
	b, err := base64.RawURLEncoding.DecodeString(s)
	if err == nil {
		err = json.Unmarshal(b, v)
	}
	if err != nil || string(b) == "null" {
		return fmt.Errorf("%w: it is not one that this list gave", collector.ErrCursor)
	}
	return nil
}

// textCursor is the name that a list goes on behind; "" for the first page.
func textCursor(cursor string) (after string, err error) {
	if cursor == "" {
		return "", nil
	}
	if err := decodeCursor(cursor, &after); err != nil {
		return "", err
	}
	if strings.Contains(after, "\x00") { // PostgreSQL has no such text
		return "", fmt.Errorf("%w: it names no node", collector.ErrCursor)
	}
	return after, nil
}

// start is where a list of runs begins: before all of them, or behind the cursor.
func start(cursor string) (position, error) {
	if cursor == "" {
		return position{math.MaxInt64, lastID}, nil
	}
	var p position
	if err := decodeCursor(cursor, &p); err != nil {
		return p, err
	}
	if !api.ValidID(p.ID) {
		return p, fmt.Errorf("%w: it names no run", collector.ErrCursor)
	}
	return p, nil
}

// lastID is behind every id.
const lastID = "ffffffff-ffff-ffff-ffff-ffffffffffff"

package scheduler

import (
	"fmt"
	"time"

	"github.com/puppet-cron/puppet-cron/splay"
)

// Rule is a schedule as a person writes it.
type Rule struct {
	Every    time.Duration // between two slots, by the wall clock; or
	Cron     string        // an expression, on the clock of Location
	Location *time.Location
	ZoneMark string // what Location was made of, where its name alone does not tell
	Mode     splay.Mode
	Window   time.Duration // what slots are spread over; 0 is DefaultWindow
	Share    splay.Share
	CatchUp  time.Duration // a missed run starts within this; 0: it waits for the next slot
	Retries  int           // how often runs that never reached their server are tried again
	Windows  *Windows      // when runs may start, on the clock of Location; nil: always
}

// cronWindow is the default window of Cron, when that leaves so much room.
const cronWindow = 5 * time.Minute

// Spec is a Rule that holds: it says when runs are due.
type Spec struct {
	rule     Rule
	times    times
	interval time.Duration // between two slots, or the shortest that there is between two
	window   time.Duration
	offset   time.Duration
	windows  *placed // nil: there are none
}

// times is what the slots of all nodes are reckoned from: a node's slot is one of
// these times and its offset.
type times interface {
	// next returns the first time after the given one.
	next(after time.Time) time.Time
	// why says what makes t one of these times.
	why(t time.Time) string
}

// Error is what is wrong with a Rule.
type Error struct {
	Key string // of the configuration file, within schedule
	Msg string
}

func (e *Error) Error() string { return e.Key + ": " + e.Msg }

// New checks a Rule. Its errors are *Error.
func New(r Rule) (*Spec, error) {
	s := &Spec{rule: r}
	if err := s.setTimes(); err != nil {
		return nil, err
	}
	if err := s.setWindow(); err != nil {
		return nil, err
	}
	if !splay.Valid(r.Share.Fraction) {
		return nil, &Error{"splay", fmt.Sprintf("a fraction must be from 0 up to 1, not %v", r.Share.Fraction)}
	}
	if r.CatchUp < 0 {
		return nil, &Error{"catch_up", fmt.Sprintf("must be 0s or more, not %v", r.CatchUp)}
	}
	if r.Retries < 0 {
		return nil, &Error{"retries", fmt.Sprintf("must be 0 or more, not %d", r.Retries)}
	}
	if err := s.setWindows(); err != nil {
		return nil, err
	}
	return s, nil
}

func (s *Spec) setTimes() error {
	r := s.rule
	switch {
	case r.Cron != "" && r.Every != 0:
		return &Error{"cron", "cannot stand beside every: remove one of them"}
	case r.Cron == "" && r.Every < time.Second:
		return &Error{"every", fmt.Sprintf("must be 1s or more, not %v", r.Every)}
	case r.Cron == "":
		s.times, s.interval = every(r.Every), r.Every
		return nil
	case r.Location == nil:
		return &Error{"timezone", "cron needs one"}
	}
	e, err := parseExpression(r.Cron)
	if err != nil {
		return &Error{"cron", err.Error()}
	}
	s.times, s.interval = calendar{e, r.Location}, e.shortestGap()
	return nil
}

// setWindow refuses a window in which slots of two nodes would change places.
func (s *Spec) setWindow() error {
	s.window = s.rule.Window
	if s.window == 0 {
		s.window = s.interval
		if s.rule.Cron != "" {
			s.window = min(cronWindow, s.interval)
		}
	}
	switch {
	case s.window < 0:
		return &Error{"splay.window", fmt.Sprintf("must be above 0s, not %v", s.window)}
	case s.window > s.interval:
		return &Error{"splay.window", fmt.Sprintf("must be at most %v, the time between two slots, not %v", s.interval, s.window)}
	case s.rule.Mode == splay.None:
		s.window = 0
	}
	s.offset = splay.Offset(s.rule.Share.Fraction, s.window)
	return nil
}

// Interval is the time between two slots, the shortest one where it varies. Closed
// windows are not counted: what Next says is when the next one is.
func (s *Spec) Interval() time.Duration { return s.interval }

// Offset is how much later than the schedule itself this node runs. It is not
// known for good, and not to be published, before the certname is known. Where there
// are windows it is the most: in a short one there is less room.
func (s *Spec) Offset() (offset time.Duration, known bool) {
	return s.offset, s.rule.Mode == splay.None || s.rule.Share.Source != splay.FromStandIn
}

// Share is the node's place.
func (s *Spec) Share() splay.Share { return s.rule.Share }

// Mode is what the node's place is to be made from.
func (s *Spec) Mode() splay.Mode { return s.rule.Mode }

// same reports whether two specs have the same slots and treat them the same way.
func (s *Spec) same(other *Spec) bool {
	a, b := s.rule, other.rule
	if a.Location != nil && b.Location != nil && a.Location.String() == b.Location.String() {
		a.Location = b.Location // loaded twice
	}
	if a.Windows.same(b.Windows) {
		a.Windows = b.Windows
	}
	return a == b
}

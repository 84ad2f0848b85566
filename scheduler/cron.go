package scheduler

import (
	"errors"
	"fmt"
	"math"
	"regexp"
	"strings"
	"time"

	"github.com/robfig/cron/v3"
)

// expression is a cron expression. The library parses it and finds the times that
// match, but only ever in UTC: in a zone with daylight saving time it loses slots,
// doubles others and, in a zone that left a day out, never returns. So UTC stands
// here for what a clock on the wall shows, and calendar makes instants of that.
type expression struct {
	fields *cron.SpecSchedule
	// everyHour is set when the hour is *, or * with a step.
	everyHour bool
}

// maxExpression is more than every minute of an hour takes, written out.
const maxExpression = 256

// CheckCron says what is wrong with a cron expression, and what would be right.
func CheckCron(text string) error {
	_, err := parseExpression(text)
	return err
}

func parseExpression(text string) (expression, error) {
	text = strings.TrimSpace(text)
	if err := checkText(text); err != nil {
		return expression{}, err
	}
	parsed, err := cron.ParseStandard(text)
	if err != nil {
		return expression{}, fmt.Errorf("must be a cron expression such as %q, not %q: %w", "*/20 6-20 * * MON-FRI", text, err)
	}
	fields, ok := parsed.(*cron.SpecSchedule)
	if !ok {
		return expression{}, fmt.Errorf("%q is not a cron expression", text)
	}
	fields.Location = time.UTC
	e := expression{fields, hasEveryHour(text)}
	if e.next(longAgo()).IsZero() {
		return expression{}, fmt.Errorf("%q never comes: there is no such day", text)
	}
	return e, nil
}

// checkText refuses what the library would take, or repeat in its errors.
func checkText(text string) error {
	for _, t := range []struct{ pattern, message string }{
		{`^(CRON_)?TZ=`, "cannot hold TZ=: set timezone instead"}, // without a space behind it the library panics
		{`^@every\b`, "cannot be @every: set every instead"},      // that would forget its phase at each restart
		{`[^A-Za-z0-9*?/,@ \t-]`, "must be made of letters, digits and * ? / , - @"},
		{`[*?]-`, "cannot have a range that begins with *"},        // it would be read as *
		{`(^|[ \t,]),|,([ \t]|$)`, "has an empty entry in a list"}, // alone, it would match nothing
	} {
		if regexp.MustCompile(t.pattern).MatchString(text) {
			return errors.New(t.message)
		}
	}
	if len(text) > maxExpression {
		return fmt.Errorf("is longer than %d characters", maxExpression)
	}
	return nil
}

// hasEveryHour looks at the text, because the parsed fields do not tell */2 from a
// list of even hours.
func hasEveryHour(text string) bool {
	if text == "@hourly" {
		return true
	}
	fields := strings.Fields(text)
	return len(fields) == 5 && regexp.MustCompile(`^[*?](/[0-9]+)?$`).MatchString(fields[1])
}

// next returns the first time after shown that matches, the zero time when there is
// none. The library gives up after 5 years, while a 29 February can be 8 years off.
func (e expression) next(shown time.Time) time.Time {
	if t := e.fields.Next(shown); !t.IsZero() {
		return t
	}
	return e.fields.Next(time.Date(shown.Year()+6, time.January, 1, 0, 0, 0, -1, time.UTC))
}

// shortestGap is the shortest time between two matches. Within a day every day that
// matches is like the others.
func (e expression) shortestGap() time.Duration {
	const day = 24 * time.Hour
	first := e.next(longAgo())
	last, gap := first, time.Duration(math.MaxInt64)
	for t := e.next(first); t.YearDay() == first.YearDay() && t.Year() == first.Year(); t = e.next(t) {
		last, gap = t, min(gap, t.Sub(last))
	}
	return min(gap, e.daysApart()*day-last.Sub(first))
}

// daysApart is the smallest number of days between two that match.
func (e expression) daysApart() time.Duration {
	midnight := *e.fields
	midnight.Hour, midnight.Minute = 1, 1
	days := expression{fields: &midnight}
	least := time.Duration(math.MaxInt64 / int64(24*time.Hour))
	const cycle = 28 // years after which dates fall on the same days of the week
	for t := days.next(longAgo()); t.Year() < longAgo().Year()+cycle && least > 1; {
		following := days.next(t)
		least, t = min(least, following.Sub(t)/(24*time.Hour)), following
	}
	return least
}

// longAgo is a time to begin a search at that finds everything an expression has.
func longAgo() time.Time { return time.Date(2000, time.January, 1, 0, 0, 0, -1, time.UTC) }

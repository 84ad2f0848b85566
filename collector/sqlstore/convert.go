package sqlstore

import (
	"database/sql"
	"database/sql/driver"
	"math"
	"time"
)

// micros is a time as it is stored; nil is NULL.
func micros(t *time.Time) any {
	if t == nil {
		return nil
	}
	return t.UnixMicro()
}

func timeOf(us int64) time.Time { return time.UnixMicro(us).UTC() }

func timePtr(us sql.NullInt64) *time.Time {
	if !us.Valid {
		return nil
	}
	t := timeOf(us.Int64)
	return &t
}

// text is NULL where it is empty: most are, and a NULL takes the least room.
func text[S ~string](s S) any {
	if s == "" {
		return nil
	}
	return string(s)
}

// count is NULL where it is 0, or too much for a column: then detail has it.
func count(n int) any {
	if n == 0 || !fits32(int64(n)) {
		return nil
	}
	return int64(n)
}

func millis(s float64) int64 { return int64(math.Round(s * 1000)) }

func seconds(ms int64) float64 { return float64(ms) / 1000 }

// keep replaces a text by one that is not empty.
func keep(old *sql.NullString, s string) {
	if s != "" {
		*old = words(s)
	}
}

func words[S ~string](s S) sql.NullString { return sql.NullString{String: string(s), Valid: s != ""} }

func number(n int64) sql.NullInt64 { return sql.NullInt64{Int64: n, Valid: true} }

func timeNumber(t *time.Time) sql.NullInt64 {
	if t == nil {
		return sql.NullInt64{}
	}
	return number(t.UnixMicro())
}

func whole(n *int) sql.NullInt64 {
	if n == nil {
		return sql.NullInt64{}
	}
	return number(int64(*n))
}

func wholePtr(n sql.NullInt64) *int {
	if !n.Valid {
		return nil
	}
	i := int(n.Int64)
	return &i
}

// timeOrZero is the zero time for NULL.
func timeOrZero(us sql.NullInt64) time.Time {
	if !us.Valid {
		return time.Time{}
	}
	return timeOf(us.Int64)
}

func positive(f float64) sql.NullFloat64 { return sql.NullFloat64{Float64: f, Valid: f > 0} }

// value is what a driver is given for a value that may be NULL.
func value(v driver.Valuer) any {
	plain, err := v.Value()
	if err != nil {
		return nil // the Null types of database/sql have no error
	}
	return plain
}

func orZero[T any](p *T) T {
	if p == nil {
		var zero T
		return zero
	}
	return *p
}

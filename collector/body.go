package collector

import (
	"compress/flate"
	"compress/gzip"
	"errors"
	"io"
	"net/http"
	"os"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/puppet-cron/puppet-cron/api"
)

// bodies reads request bodies into a budget that all requests share.
type bodies struct {
	limit   int64
	used    atomic.Int64
	unpacks sync.Pool // of *gzip.Reader: each holds 40 KiB
}

func newBodies(limit int64) *bodies { return &bodies{limit: limit} }

// maxPacked bounds a body as it is sent: gzip adds little to what it cannot pack.
const maxPacked = api.MaxBatchBytes + 64<<10

// errTooLarge is a body over the bound; who reads it knows what that means.
var errTooLarge = errors.New("the body is larger than 4 MiB")

// A body is one that was read. Its bytes are valid until release.
type body struct {
	data []byte
	from *bodies
	held int64
}

func (b *body) release() {
	b.from.used.Add(-b.held)
	b.held, b.data = 0, nil
}

// grow takes room for as many bytes in all from the budget.
func (b *body) grow(size int64) bool {
	if b.from.used.Add(size-b.held) > b.from.limit {
		b.from.used.Add(b.held - size)
		return false
	}
	b.held = size
	return true
}

// read reads a body and unpacks it. What is taken from the budget is what was read so
// far, not what was announced: a sender that is slow or lies holds little. The caller
// releases the body. An error is errTooLarge or a *problem.
func (b *bodies) read(w http.ResponseWriter, r *http.Request) (*body, error) {
	if r.ContentLength > maxPacked {
		return nil, errTooLarge
	}
	packed := http.MaxBytesReader(w, r.Body, maxPacked)
	var plain io.Reader
	switch encoding := strings.ToLower(r.Header.Get("Content-Encoding")); encoding {
	case "", "identity":
		plain = packed
	case "gzip":
		gz, err := b.unpack(packed)
		if err != nil {
			return nil, bodyProblem(err)
		}
		defer b.unpacks.Put(gz)
		plain = gz
	default:
		return nil, refuse(http.StatusUnsupportedMediaType, "the Content-Encoding is neither gzip nor identity").
			with("Accept-Encoding", "gzip, identity")
	}
	out := &body{from: b}
	if err := out.fill(plain, r.ContentLength); err != nil {
		out.release()
		return nil, err
	}
	return out, nil
}

func (b *bodies) unpack(r io.Reader) (*gzip.Reader, error) {
	if gz, ok := b.unpacks.Get().(*gzip.Reader); ok {
		return gz, gz.Reset(r)
	}
	return gzip.NewReader(r)
}

// fill reads up to the bound, into room that grows with what comes.
func (b *body) fill(r io.Reader, announced int64) error {
	const first, most = 4 << 10, api.MaxBatchBytes + 1
	size := max(first, min(announced+1, 64<<10))
	for {
		if !b.grow(size) {
			return unavailable("the collector is reading too much at once; try again later")
		}
		b.data = append(make([]byte, 0, size), b.data...)
		for len(b.data) < cap(b.data) {
			n, err := r.Read(b.data[len(b.data):cap(b.data)])
			b.data = b.data[:len(b.data)+n]
			if errors.Is(err, io.EOF) {
				return nil
			}
			if err != nil {
				return bodyProblem(err)
			}
		}
		if size == most {
			return errTooLarge
		}
		size = min(4*size, most)
	}
}

// bodyProblem says why a body could not be read. None of these is the runs' fault, so
// nobody gives them up for it.
func bodyProblem(err error) error {
	var tooMany *http.MaxBytesError
	switch {
	case errors.As(err, &tooMany):
		return errTooLarge
	case errors.Is(err, os.ErrDeadlineExceeded):
		return refuse(http.StatusRequestTimeout, "the body came too slowly")
	case errors.Is(err, gzip.ErrHeader), errors.Is(err, gzip.ErrChecksum), isCorrupt(err):
		return refuse(http.StatusBadRequest, "the body is not the gzip that it is said to be")
	}
	return refuse(http.StatusBadRequest, "the body ended early")
}

func isCorrupt(err error) bool {
	var corrupt flate.CorruptInputError
	return errors.As(err, &corrupt)
}

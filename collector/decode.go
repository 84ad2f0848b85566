package collector

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/puppet-cron/puppet-cron/api"
)

// Bounds of a run's JSON beside its size. A run that passes Validate has about a thousand
// values; the rest is room for fields that this version does not know.
const (
	maxValues = 8192
	maxDepth  = 64
)

// errForm says that something is no JSON of a run, or of a batch.
var errForm = errors.New("not in the form that is asked for")

var errNoObject = fmt.Errorf("%w: it is no object", errForm)

// decodeRun decodes one run. What it does not know it leaves out; what has another type
// than it must is an error, wrapping errForm. The run is not validated yet.
func decodeRun(data []byte) (*api.Run, error) {
	if err := bounded(data); err != nil {
		return nil, err
	}
	run := new(api.Run)
	if err := json.Unmarshal(data, run); err != nil {
		return nil, explain(err)
	}
	if trimmed := bytes.TrimLeft(data, " \t\r\n"); len(trimmed) == 0 || trimmed[0] != '{' {
		return nil, errNoObject // null decodes into anything
	}
	return run, nil
}

// bounded counts the values and the depth of the first value in data before anything of it
// is decoded: three bytes of JSON can make an element of fifty.
func bounded(data []byte) error {
	values, depth, quoted := 0, 0, false
	for i := 0; i < len(data); i++ {
		switch c := data[i]; {
		case quoted && c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == ',' || c == ':':
			values++
		case c == '{' || c == '[':
			values++
			depth++
		case c == '}' || c == ']':
			depth--
		}
		if values > maxValues {
			return fmt.Errorf("%w: it has more than %d values", errForm, maxValues)
		}
		if depth > maxDepth {
			return fmt.Errorf("%w: it is nested more than %d deep", errForm, maxDepth)
		}
		if depth == 0 && values > 0 && !quoted {
			return nil // it ends here, or is no object
		}
	}
	return nil
}

// explain keeps of an error of package json what names the place.
func explain(err error) error {
	var (
		wrong  *json.UnmarshalTypeError
		syntax *json.SyntaxError
	)
	switch {
	case errors.As(err, &wrong):
		return fmt.Errorf("%w: %s: a JSON %s is not what belongs here", errForm, wrong.Field, wrong.Value)
	case errors.As(err, &syntax):
		return fmt.Errorf("%w: not JSON at byte %d", errForm, syntax.Offset)
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return fmt.Errorf("%w: the JSON ends early", errForm)
	}
	// A time that is none, for one. Its text is the sender's.
	return fmt.Errorf("%w: %s", errForm, strings.ToValidUTF8(shorten(err.Error(), 200), "?"))
}

func shorten(s string, most int) string { return s[:min(len(s), most)] }

// errTooMany says that a batch has more runs than a batch may have.
var errTooMany = fmt.Errorf("the batch has more than %d runs", api.MaxBatchRuns)

// decodeBatch decodes the runs of a batch and hands on each as it was sent, with what it
// says or why it says nothing: what is wrong with one is nothing to the others. Other fields
// of the batch are left out. An error is of the batch; what was handed on counts for nothing.
func decodeBatch(data []byte, take func(raw []byte, run *api.Run, err error)) error {
	dec := json.NewDecoder(bytes.NewReader(data))
	if err := open(dec, '{'); err != nil {
		return err
	}
	seen := false
	for dec.More() {
		key, err := dec.Token()
		if err != nil {
			return explain(err)
		}
		if key != "runs" {
			if err := dec.Decode(new(json.RawMessage)); err != nil {
				return explain(err)
			}
			continue
		}
		if seen {
			return fmt.Errorf("%w: it has runs twice", errForm)
		}
		seen = true
		if err := decodeRuns(dec, data, take); err != nil {
			return err
		}
	}
	if err := end(dec); err != nil {
		return err
	}
	if !seen {
		return fmt.Errorf("%w: runs: is missing", errForm)
	}
	return nil
}

func decodeRuns(dec *json.Decoder, data []byte, take func(raw []byte, run *api.Run, err error)) error {
	if err := open(dec, '['); err != nil {
		return err
	}
	for n := 0; dec.More(); n++ {
		if n == api.MaxBatchRuns {
			return errTooMany
		}
		from := dec.InputOffset()
		run, err := decodeNext(dec, data[from:])
		if broken(err) {
			return explain(err)
		}
		raw := bytes.TrimLeft(data[from:dec.InputOffset()], separators)
		if err == nil && raw[0] != '{' {
			err = errNoObject
		} else if err != nil && !errors.Is(err, errForm) {
			err = explain(err)
		}
		take(raw, run, err)
	}
	if _, err := dec.Token(); err != nil {
		return explain(err)
	}
	return nil
}

// separators may stand before a value of a list.
const separators = ", \t\r\n"

// decodeNext decodes the next value of a list, which is the first in rest.
func decodeNext(dec *json.Decoder, rest []byte) (*api.Run, error) {
	if err := bounded(bytes.TrimLeft(rest, separators)); err != nil {
		if err := dec.Decode(new(json.RawMessage)); err != nil {
			return nil, err
		}
		return nil, err
	}
	run := new(api.Run)
	return run, dec.Decode(run)
}

// broken reports whether nothing more can be read after an error: it is no JSON.
func broken(err error) bool {
	_, syntax := errors.AsType[*json.SyntaxError](err)
	return syntax || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF)
}

func open(dec *json.Decoder, want json.Delim) error {
	t, err := dec.Token()
	if err != nil {
		return explain(err)
	}
	if t != want {
		return fmt.Errorf("%w: there is no %s where one belongs", errForm, want)
	}
	return nil
}

// end sees to it that the object is closed and that nothing follows it.
func end(dec *json.Decoder) error {
	if _, err := dec.Token(); err != nil {
		return explain(err)
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return fmt.Errorf("%w: something follows the end", errForm)
	}
	return nil
}

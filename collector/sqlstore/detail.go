package sqlstore

import (
	"bytes"
	"compress/flate"
	"encoding/json"
	"io"
	"sync"
)

// maxDetail is more than any run that api.Validate accepts has as JSON.
const maxDetail = 16 << 20

// details compresses whole runs, and alerts. A compressor has half a megabyte of tables, and who
// unpacks has a window, so they are used again.
type details struct{ writers, readers sync.Pool }

func (d *details) pack(v any) ([]byte, error) {
	plain, err := json.Marshal(v)
	if err != nil {
		return nil, err
	}
	var packed bytes.Buffer
	w, ok := d.writers.Get().(*flate.Writer)
	if ok {
		w.Reset(&packed)
	} else if w, err = flate.NewWriter(&packed, flate.BestSpeed); err != nil {
		return nil, err
	}
	defer d.writers.Put(w)
	if _, err := w.Write(plain); err != nil {
		return nil, err
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	return packed.Bytes(), nil
}

// unpack gives the size of what was packed as well.
func (d *details) unpack(packed []byte, v any) (size int, err error) {
	r, ok := d.readers.Get().(io.Reader)
	if !ok {
		r = flate.NewReader(bytes.NewReader(nil))
	}
	if err := r.(flate.Resetter).Reset(bytes.NewReader(packed), nil); err != nil { // flate says that all its readers are
		return 0, err
	}
	defer d.readers.Put(r)
	plain, err := io.ReadAll(io.LimitReader(r, maxDetail))
	if err != nil {
		return 0, err
	}
	return len(plain), json.Unmarshal(plain, v)
}

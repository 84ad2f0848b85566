//go:build !windows

package main

import (
	"compress/gzip"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/puppet-cron/puppet-cron/api"
)

// collector is a stand-in for the real one, for scripts: collector DIR. Its address is in
// DIR/url. A run that it takes is DIR/ID.json, or DIR/ID.start. What it answers is in
// DIR/answer: the status of a run, "500" or "hang"; without the file it takes all. DIR/slot
// is the slot that it gives.
func collector() {
	dir := fakeCollector(os.Args[1])
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err == nil {
		err = dir.put("url", []byte("http://"+listener.Addr().String()))
	}
	if err == nil {
		err = http.Serve(listener, dir)
	}
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}

type fakeCollector string

func (dir fakeCollector) file(name string) string { return filepath.Join(string(dir), name) }

// put lets nobody see half a file.
func (dir fakeCollector) put(name string, data []byte) error {
	if err := os.MkdirAll(string(dir), 0o755); err != nil {
		return err
	}
	if err := os.WriteFile(dir.file(name+".new"), data, 0o644); err != nil {
		return err
	}
	return os.Rename(dir.file(name+".new"), dir.file(name))
}

func (dir fakeCollector) read(name string) string {
	data, _ := os.ReadFile(dir.file(name))
	return strings.TrimSpace(string(data))
}

func (dir fakeCollector) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	status := api.Stored
	switch answer := dir.read("answer"); answer {
	case "":
	case "500":
		http.Error(w, "no", http.StatusInternalServerError)
		return
	case "hang":
		select {
		case <-r.Context().Done():
		case <-time.After(time.Minute):
		}
		return
	default:
		status = api.Status(answer)
	}
	var runs []json.RawMessage
	body, err := gzip.NewReader(r.Body)
	if err == nil && r.Method == http.MethodPut {
		runs = make([]json.RawMessage, 1)
		err = json.NewDecoder(body).Decode(&runs[0])
	} else if err == nil {
		var batch struct{ Runs []json.RawMessage }
		err = json.NewDecoder(body).Decode(&batch)
		runs = batch.Runs
	}
	var a api.Answer
	for _, raw := range runs {
		var run api.Run
		if err == nil {
			err = json.Unmarshal(raw, &run)
		}
		if err == nil && status.Taken() {
			err = dir.keep(&run, raw)
		}
		a.Results = append(a.Results, api.Result{ID: run.ID, Status: status, Error: "as it was told to"})
	}
	var slot float64
	if _, scanned := fmt.Sscan(dir.read("slot"), &slot); scanned == nil {
		a.Slot = &slot
	}
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(a)
}

func (dir fakeCollector) keep(run *api.Run, raw []byte) error {
	if run.Outcome == "" {
		return dir.put(run.ID+".start", raw)
	}
	return dir.put(run.ID+".json", raw)
}

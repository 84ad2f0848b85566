package collector_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/puppet-cron/puppet-cron/collector"
)

var update = flag.Bool("update", false, "write the API's description anew")

const apiFile = "../docs/openapi.json"

// TestOpenAPI keeps the description true to the Go types: `make man` writes it anew.
func TestOpenAPI(t *testing.T) {
	c, err := collector.New(collector.Options{Store: newStore(t), Dev: true, Version: "1"})
	if err != nil {
		t.Fatal(err)
	}
	if *update {
		if err := os.WriteFile(apiFile, c.OpenAPI(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(apiFile)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, c.OpenAPI()) {
		t.Error("docs/openapi.json is stale: run `make man`")
	}
}

type document struct {
	OpenAPI string `json:"openapi"`
	Paths   map[string]map[string]struct {
		Summary, Description string
		Responses            map[string]any
		RequestBody          any
		Parameters           []struct{ Name, Description string }
	}
	Components struct {
		Schemas map[string]struct {
			Properties map[string]map[string]any
		}
	}
}

// Whoever reads the description learns what every operation and every field means.
func TestEverythingIsDescribed(t *testing.T) {
	f := newCentre(t, nil)
	var d document
	if err := json.Unmarshal(f.c.OpenAPI(), &d); err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(d.OpenAPI, "3.1") {
		t.Errorf("it is OpenAPI %s", d.OpenAPI)
	}
	operations := 0
	for path, methods := range d.Paths {
		for method, op := range methods {
			operations++
			if op.Summary == "" || op.Description == "" {
				t.Errorf("%s %s has no text", method, path)
			}
			if (method == "put" || path == "/v1/runs:batch") && op.RequestBody == nil {
				t.Errorf("%s %s does not say what it takes", method, path)
			}
			for _, status := range []string{"401", "403", "500", "503"} {
				if op.Responses[status] == nil {
					t.Errorf("%s %s does not say that it answers %s", method, path, status)
				}
			}
			for _, query := range []string{"?none=1", "?%", "?limit=&limit="} {
				a := f.do(f.admin, strings.ToUpper(method), strings.NewReplacer("{id}", aRun("", 1).ID, "{certname}", "none").Replace(path)+query, nil)
				if op.Responses[strconv.Itoa(a.status)] == nil {
					t.Errorf("%s %s%s: %d, which is not described", method, path, query, a.status)
				}
			}
			for _, p := range op.Parameters {
				if p.Description == "" {
					t.Errorf("%s %s: %s has no text", method, path, p.Name)
				}
			}
		}
	}
	if operations != 13 {
		t.Errorf("%d operations", operations)
	}
	for name, schema := range d.Components.Schemas {
		for field, property := range schema.Properties {
			if property["$ref"] == nil && property["description"] == nil {
				t.Errorf("%s.%s has no text", name, field)
			}
		}
	}
}

// The description that is served is the one that is kept.
func TestOpenAPIIsServed(t *testing.T) {
	f := newCentre(t, nil)
	a := f.do(f.node("web01"), "GET", "/v1/openapi.json", nil)
	if a.status != 200 || a.body != string(f.c.OpenAPI()) || a.header.Get("Content-Type") != "application/openapi+json" {
		t.Errorf("%d %v", a.status, a.header)
	}
}

package report

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v3"
)

// FuzzRead holds what Read found piece by piece against what is found in the
// document as a whole, wherever both succeed.
func FuzzRead(f *testing.F) {
	for _, file := range reportFiles(f) {
		f.Add(readFile(f, file))
	}
	f.Add([]byte(made("logs: []\n", "resource_statuses: {}\n")))
	f.Add([]byte(made("logs:\n- level: err\n  message: 'a'\n", "resource_statuses:\n  ? |-\n    a\n    b\n  : failed: true\n")))
	f.Fuzz(func(t *testing.T, text []byte) {
		got, err := Read(bytes.NewReader(text))
		if err != nil {
			return
		}
		checkBounds(t, got)
		var doc yaml.Node
		if !blockStyle.Match(text) || yaml.Unmarshal(text, &doc) != nil || !psychLayout(text, doc.Content[0]) {
			return
		}
		if diff := cmp.Diff(expect(doc.Content[0]), observe(got)); diff != "" {
			t.Errorf("in pieces (+) and as a whole (-):\n%s", diff)
		}
	})
}

func checkBounds(t *testing.T, r *Report) {
	t.Helper()
	if len(r.Errors) > maxErrors || len(r.Failures) > maxFailures {
		t.Errorf("%d errors, %d failures", len(r.Errors), len(r.Failures))
	}
	for _, e := range r.Errors {
		if len(e.Message) > maxMessage || len(e.Source) > maxMessage || len(e.File) > maxName || len(e.Level) > maxName {
			t.Errorf("too long: %+v", e)
		}
	}
	for _, e := range r.Failures {
		if len(e.Message) > maxMessage || len(e.Resource) > maxName || len(e.File) > maxName {
			t.Errorf("too long: %+v", e)
		}
	}
}

// facts is what the oracle knows of a report: enough to tell that nothing was
// missed, invented or mixed up.
type facts struct {
	Header   map[string]string
	Errors   []string // level and message
	Failures []string // references
	Metrics  map[string]float64
}

func observe(r *Report) facts {
	f := facts{
		Header: map[string]string{
			"host": r.Host, "configuration_version": r.ConfigVersion, "transaction_uuid": r.TransactionUUID,
			"puppet_version": r.PuppetVersion, "environment": r.Environment, "status": r.Status, "job_id": r.JobID,
			"catalog_uuid": r.CatalogUUID, "code_id": r.CodeID, "cached_catalog_status": r.CachedCatalogStatus,
		},
		Metrics: map[string]float64{"cut errors": float64(r.ErrorsCut), "cut failures": float64(r.FailuresCut)},
	}
	for _, e := range r.Errors {
		f.Errors = append(f.Errors, e.Level+" "+e.Message)
	}
	for _, e := range r.Failures {
		f.Failures = append(f.Failures, e.Resource)
	}
	for category, values := range r.Metrics {
		for name, v := range values {
			f.Metrics[category+"."+name] = v
		}
	}
	return f
}

// expect finds the same facts in the whole document.
func expect(root *yaml.Node) facts {
	f := facts{Header: observe(&Report{}).Header, Metrics: map[string]float64{}}
	var errors oracleErrors
	var failures []string
	metrics := map[string]map[string]float64{}
	for key, value := range entries(root) {
		switch name := oracleText(key); name {
		case "status":
			f.Header[name] = oracleSymbol(value)
		case "logs":
			for _, item := range sequence(value) {
				if level := oracleSymbol(lookup(item, "level")); slices.Contains([]string{"err", "alert", "emerg", "crit"}, level) {
					errors.add(level, item)
				}
			}
		case "resource_statuses":
			for ref, status := range entries(value) {
				if oracleText(lookup(status, "failed")) == "true" || oracleText(lookup(status, "failed_to_restart")) == "true" {
					failures = append(failures, cut(oracleText(ref), maxName))
				}
			}
		case "metrics":
			for category, metric := range entries(value) {
				metrics[oracleSymbol(category)] = oracleMetric(metric)
			}
		default:
			if _, known := f.Header[name]; known {
				f.Header[name] = cut(oracleText(value), maxName)
			}
		}
	}
	f.Errors, f.Metrics["cut errors"] = errors.kept, errors.cut
	f.Failures, f.Metrics["cut failures"] = first(failures, maxFailures)
	for category, values := range metrics {
		for name, v := range values {
			f.Metrics[category+"."+name] = v
		}
	}
	return f
}

func oracleMetric(metric *yaml.Node) map[string]float64 {
	values := map[string]float64{}
	for _, triple := range sequence(lookup(metric, "values")) {
		if v, ok := number(at(triple, 2)); ok && len(triple.Content) == 3 {
			values[oracleSymbol(at(triple, 0))] = v
		}
	}
	return values
}

// oracleErrors drops repetitions and counts what is beyond the limit.
type oracleErrors struct {
	kept, keys []string
	cut        float64
}

func (o *oracleErrors) add(level string, item *yaml.Node) {
	message := level + " " + cut(oracleText(lookup(item, "message")), maxMessage)
	key := fmt.Sprintf("%q %q %q %d", message, cut(oracleText(lookup(item, "source")), maxMessage),
		cut(oracleText(lookup(item, "file")), maxName), integer(lookup(item, "line")))
	switch {
	case slices.Contains(o.keys, key):
	case len(o.keys) == maxErrors:
		o.cut++
	default:
		o.keys, o.kept = append(o.keys, key), append(o.kept, message)
	}
}

func first(s []string, n int) (kept []string, beyond float64) {
	return s[:min(n, len(s))], float64(max(0, len(s)-n))
}

func entries(n *yaml.Node) func(func(key, value *yaml.Node) bool) {
	return func(yield func(key, value *yaml.Node) bool) {
		for i := 0; n != nil && n.Kind == yaml.MappingNode && i < len(n.Content); i += 2 {
			if !yield(n.Content[i], n.Content[i+1]) {
				return
			}
		}
	}
}

func sequence(n *yaml.Node) []*yaml.Node {
	if n == nil || n.Kind != yaml.SequenceNode {
		return nil
	}
	return n.Content
}

func at(n *yaml.Node, i int) *yaml.Node {
	if s := sequence(n); i < len(s) {
		return s[i]
	}
	return nil
}

func lookup(n *yaml.Node, name string) (found *yaml.Node) {
	for key, value := range entries(n) {
		if oracleText(key) == name {
			found = value
		}
	}
	return found
}

func oracleText(n *yaml.Node) string {
	switch {
	case n == nil || n.Kind != yaml.ScalarNode || n.ShortTag() == "!!null":
		return ""
	case strings.TrimLeft(n.Tag, "!") == "binary":
		if b, err := base64.StdEncoding.DecodeString(n.Value); err == nil {
			return string(b)
		}
	}
	return n.Value
}

func oracleSymbol(n *yaml.Node) string {
	return cut(strings.TrimPrefix(oracleText(n), ":"), maxName)
}

// psychLayout reports whether a document keeps what the splitter relies on and
// Psych guarantees: that a line which looks like a key or an entry is one, and
// that the words it looks for are written plainly.
func psychLayout(text []byte, root *yaml.Node) bool {
	if root.Kind != yaml.MappingNode || root.Style&yaml.FlowStyle != 0 {
		return false
	}
	lines := strings.Split(string(text), "\n")
	tops, inner := map[int]bool{}, map[int]bool{}
	for key, value := range entries(root) {
		tops[key.Line] = true
		for item := range borders(value) {
			inner[item.Line] = true
		}
		if !plainWords(lines, oracleText(key), value) {
			return false
		}
	}
	indent, last := 0, slices.Max(slices.Collect(maps.Keys(tops)))
	for i, line := range lines {
		n := len(line) - len(strings.TrimLeft(line, " "))
		switch rest := line[n:]; {
		case tops[i+1]:
			indent = -1
		case rest == "" || i == 0 && strings.HasPrefix(line, "---"):
		case n == 0 && rest[0] != '-':
			return false
		case indent < 0:
			indent = n
			if !inner[i+1] {
				return false
			}
		case n == indent && !inner[i+1] && !strings.HasPrefix(rest, ": ") && i < last:
			return false
		}
	}
	return true
}

// borders are the nodes that begin an entry.
func borders(value *yaml.Node) func(func(*yaml.Node) bool) {
	return func(yield func(*yaml.Node) bool) {
		for _, item := range sequence(value) {
			if !yield(item) {
				return
			}
		}
		for key := range entries(value) {
			if !yield(key) {
				return
			}
		}
	}
}

// plainWords reports whether levels and failures are where their keys are.
func plainWords(lines []string, section string, value *yaml.Node) bool {
	for item := range borders(value) {
		if section != "logs" {
			break
		}
		for key := range entries(item) {
			if oracleText(key) == "level" && !strings.Contains(lines[key.Line-1], "level: ") {
				return false
			}
		}
	}
	for _, status := range entries(value) {
		if section != "resource_statuses" {
			break
		}
		for key, v := range entries(status) {
			name := oracleText(key)
			if strings.HasPrefix(name, "failed") && oracleText(v) == "true" && !strings.Contains(lines[key.Line-1], name+": true") {
				return false
			}
		}
	}
	return true
}

func FuzzReadSummary(f *testing.F) {
	for _, file := range summaryFiles(f) {
		f.Add(readFile(f, file))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		s, err := ReadSummary(bytes.NewReader(text))
		if err != nil {
			return
		}
		if max(len(s.ConfigVersion), len(s.PuppetVersion), len(s.RunMode), len(s.InitialEnvironment), len(s.ConvergedEnvironment)) > maxName {
			t.Errorf("too long: %+v", s)
		}
		var doc yaml.Node
		if err := yaml.Unmarshal(text, &doc); err != nil {
			t.Fatal(err)
		}
		version := lookup(doc.Content[0], "version")
		got := []string{s.ConfigVersion, s.PuppetVersion}
		want := []string{cut(oracleText(lookup(version, "config")), maxName), cut(oracleText(lookup(version, "puppet")), maxName)}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
	})
}

// TestOracleKnowsPsych keeps FuzzRead from comparing nothing.
func TestOracleKnowsPsych(t *testing.T) {
	for _, file := range reportFiles(t) {
		text := readFile(t, file)
		if !blockStyle.Match(text) {
			continue
		}
		var doc yaml.Node
		if err := yaml.Unmarshal(text, &doc); err != nil {
			t.Fatal(err)
		}
		if !psychLayout(text, doc.Content[0]) {
			t.Errorf("%s is not taken for Psych's", file)
		}
	}
}

package report

import (
	"bytes"
	"fmt"
	"io"
	"runtime"
	"strings"
	"testing"
	"time"
)

const largeBytes = 20_000_000

// largeReport is a report as long as one wants: that of a real run, its log
// items and resources repeated under other names. It is made as it is read.
type largeReport struct {
	parts   func() ([]byte, bool)
	pending []byte
	size    int    // given out so far
	onRead  func() // called by every Read
}

func (l *largeReport) Read(p []byte) (int, error) {
	l.onRead()
	for len(l.pending) == 0 {
		part, ok := l.parts()
		if !ok {
			return 0, io.EOF
		}
		l.pending = part
	}
	n := copy(p, l.pending)
	l.pending = l.pending[n:]
	l.size += n
	return n, nil
}

// newLargeReport makes about a tenth of the bytes log items and the rest
// resources that changed, and a few that failed.
func newLargeReport(t testing.TB, size int, onRead func()) *largeReport {
	t.Helper()
	sample := string(readFile(t, samples, "failed_and_changed/last_run_report.yaml"))
	head, rest, _ := strings.Cut(sample, "logs:\n")
	logs, rest, _ := strings.Cut(rest, "metrics:\n")
	metrics, rest, _ := strings.Cut(rest, "resource_statuses:\n")
	resources, tail, _ := strings.Cut(rest, "corrective_change: false\ncatalog_uuid")
	items := strings.SplitAfter(logs, "  line:\n")
	var changed, failed string
	for _, entry := range strings.SplitAfter(resources, "    corrective_change: false\n  ") {
		entry = "  " + strings.TrimSpace(entry) + "\n"
		switch {
		case strings.Contains(entry, "failed: true"):
			failed = entry
		case strings.Contains(entry, "changed: true"):
			changed = entry
		}
	}
	if changed == "" || failed == "" || len(items) < 3 || tail == "" {
		t.Fatal("the sample is not what it was")
	}

	l := &largeReport{onRead: onRead}
	n, stage := 0, 0
	l.parts = func() ([]byte, bool) {
		n++
		switch stage {
		case 0:
			stage++
			return []byte(head + "logs:\n"), true
		case 1:
			if l.size < size/10 {
				return []byte(items[n%2]), true
			}
			stage++
			return []byte("metrics:\n" + metrics + "resource_statuses:\n"), true
		case 2:
			if l.size < size {
				return []byte(renamed(changed, failed, n)), true
			}
			stage++
			return []byte("corrective_change: false\ncatalog_uuid" + tail), true
		}
		return nil, false
	}
	return l
}

// renamed gives the n-th resource a name of its own. Every hundredth failed.
func renamed(changed, failed string, n int) string {
	entry := changed
	if n%100 == 0 {
		entry = failed
	}
	kind, _, _ := strings.Cut(entry, "[")
	return strings.Replace(entry, kind+"[", fmt.Sprintf("%s[%d ", kind, n), 1)
}

// heapPeak watches how far the heap grows.
type heapPeak struct{ base, peak uint64 }

func startHeapPeak() *heapPeak {
	runtime.GC()
	return &heapPeak{base: heapInUse()}
}

func (h *heapPeak) sample() { h.peak = max(h.peak, heapInUse()) }

func (h *heapPeak) growth() float64 { return max(0, float64(h.peak)-float64(h.base)) / (1 << 20) }

func heapInUse() uint64 {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapInuse
}

func TestReadIsBounded(t *testing.T) {
	heap := startHeapPeak()
	large := newLargeReport(t, largeBytes, heap.sample)
	r, err := Read(large)
	if err != nil {
		t.Fatal(err)
	}
	if len(r.Failures) != 50 || r.FailuresCut < 50 || r.Metrics["events"]["failure"] != 1 {
		t.Errorf("%d failures and %d cut, metrics %v", len(r.Failures), r.FailuresCut, r.Metrics["events"])
	}
	if got := heap.growth(); got > 16 {
		t.Errorf("the heap grew by %.1f MiB for a report of %d bytes", got, large.size)
	}
}

// TestReadOfAnythingIsBounded feeds what never ends, or ends too late.
func TestReadOfAnythingIsBounded(t *testing.T) {
	header, _, _ := strings.Cut(made(), "metrics:")
	for name, test := range map[string]struct{ head, again string }{
		"one line":          {"", "x"},
		"one line of key":   {"host: ", "x"},
		"braces":            {"", "{"},
		"brackets":          {"logs: ", "["},
		"spaces":            {header, " "},
		"log items":         {header + "logs:\n", "- level: info\n  message: x\n"},
		"one log item":      {header + "logs:\n- level: info\n  message: |\n", "    failed\n"},
		"one long log line": {header + "logs:\n- level: info\n  message: ", "xxxxxxxx"},
		"one error":         {header + "logs:\n- level: err\n  message: |\n", "    failed\n"},
		"resources":         {header + "resource_statuses:\n", "  a:\n    failed: false\n" + strings.Repeat("    x: 1\n", 100)},
		"one resource":      {header + "resource_statuses:\n  a:\n", "    failed: true\n"},
		"other keys":        {header, "x:\n"},
		"a key of no use":   {header + "other:\n", "- x\n"},
	} {
		heap := startHeapPeak()
		_, err := Read(&largeReport{onRead: heap.sample, parts: endless(test.head, test.again)})
		if err == nil || !strings.Contains(err.Error(), "long") && !strings.Contains(err.Error(), "no key") {
			t.Errorf("%s: %v", name, err)
		}
		if got := heap.growth(); got > 32 {
			t.Errorf("%s: the heap grew by %.1f MiB", name, got)
		}
	}
}

func endless(head, again string) func() ([]byte, bool) {
	block, first := []byte(strings.Repeat(again, readSize/len(again)+1)), true
	return func() ([]byte, bool) {
		if first {
			first = false
			return []byte(head + again), true
		}
		return block, true
	}
}

func BenchmarkRead20MB(b *testing.B) {
	text, err := io.ReadAll(newLargeReport(b, largeBytes, func() {}))
	if err != nil {
		b.Fatal(err)
	}
	b.SetBytes(int64(len(text)))
	var peak float64
	for b.Loop() {
		heap := startHeapPeak()
		source := &largeReport{onRead: heap.sample, pending: text, parts: func() ([]byte, bool) { return nil, false }}
		if _, err := Read(source); err != nil {
			b.Fatal(err)
		}
		peak = max(peak, heap.growth())
	}
	b.ReportMetric(float64(b.Elapsed())/float64(time.Millisecond)/float64(b.N), "ms/report")
	b.ReportMetric(peak, "peak-MiB")
}

func BenchmarkReadSample(b *testing.B) {
	text := readFile(b, samples, "failed_and_changed/last_run_report.yaml")
	b.SetBytes(int64(len(text)))
	for b.Loop() {
		if _, err := Read(bytes.NewReader(text)); err != nil {
			b.Fatal(err)
		}
	}
}

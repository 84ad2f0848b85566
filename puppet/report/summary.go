package report

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"time"

	"go.yaml.in/yaml/v3"
)

const maxSummary = 1 << 20

// Summary holds the facts of a last_run_summary.yaml.
type Summary struct {
	ConfigVersion        string // "" = null: no catalog was applied
	PuppetVersion        string
	RunMode              string // agent, or user for puppet apply; "" in old Puppets
	InitialEnvironment   string
	ConvergedEnvironment string
	Resources            map[string]int
	Changes              int
	Events               map[string]int     // failure, success, total, noop…; nil when old Puppets left it out
	Times                map[string]float64 // in seconds, without last_run
	LastRun              time.Time          // when the run ended; zero when absent
}

// CatalogApplied reports whether the transaction came to its end. The counts do
// not tell: they are all 0 when the catalog did not compile.
func (s *Summary) CatalogApplied() bool {
	_, ok := s.Times["catalog_application"]
	return ok
}

// ReadSummary reads a last_run_summary.yaml of at most 1 MiB.
func ReadSummary(r io.Reader) (*Summary, error) {
	b, err := io.ReadAll(io.LimitReader(r, maxSummary+1))
	if err != nil {
		return nil, err
	}
	if len(b) > maxSummary {
		return nil, fmt.Errorf("the summary is longer than %d MiB", maxSummary>>20)
	}
	if !bytes.HasSuffix(b, []byte("\n")) {
		return nil, errors.New("the summary is empty or breaks off within a line")
	}
	var doc yaml.Node
	if err := yaml.Unmarshal(b, &doc); err != nil {
		return nil, err
	}
	if len(doc.Content) == 0 {
		return nil, errors.New("the summary is empty")
	}
	return summarize(fields(doc.Content[0]))
}

func summarize(top map[string]*yaml.Node) (*Summary, error) {
	if err := wholeSummary(top); err != nil {
		return nil, err
	}
	version, application := fields(top["version"]), fields(top["application"])
	s := &Summary{
		ConfigVersion:        cut(text(version["config"]), maxName),
		PuppetVersion:        cut(text(version["puppet"]), maxName),
		RunMode:              symbol(application["run_mode"]),
		InitialEnvironment:   cut(text(application["initial_environment"]), maxName),
		ConvergedEnvironment: cut(text(application["converged_environment"]), maxName),
		Resources:            counts(top["resources"]),
		Changes:              counts(top["changes"])["total"],
		Events:               counts(top["events"]),
		Times:                map[string]float64{},
	}
	s.addTimes(top["time"])
	return s, nil
}

// wholeSummary tells a summary from the beginning of one. Puppet writes version
// and time always, and all the rest or (before 5.5, without a catalog) nothing of
// it. The last line is events.total.
func wholeSummary(top map[string]*yaml.Node) error {
	for _, key := range []string{"version", "time"} {
		if top[key] == nil {
			return fmt.Errorf("the summary is not whole: it has no %s", key)
		}
	}
	if top["resources"] != nil && fields(top["events"])["total"] == nil {
		return errors.New("the summary is not whole: it has no events.total")
	}
	return nil
}

// counts returns nil when the key is absent.
func counts(n *yaml.Node) map[string]int {
	if n == nil {
		return nil
	}
	m := map[string]int{}
	pairs(n, func(key, value *yaml.Node) {
		if v, ok := number(value); ok {
			m[symbol(key)] = int(v)
		}
	})
	return m
}

func (s *Summary) addTimes(n *yaml.Node) {
	pairs(n, func(key, value *yaml.Node) {
		v, ok := number(value)
		switch name := symbol(key); {
		case !ok:
		case name == "last_run":
			s.LastRun = time.Unix(int64(v), 0).UTC()
		default:
			s.Times[name] = v
		}
	})
}

// Package storetest is what every collector.Store must hold.
package storetest

import (
	"testing"

	"github.com/puppet-cron/puppet-cron/collector"
)

// Run holds a store to its contract. open gives an empty one, that is closed by the test's cleanup.
func Run(t *testing.T, open func(t *testing.T) collector.Store) {
	for _, test := range []struct {
		name string
		run  func(*testing.T, collector.Store)
	}{
		{"the first final wins", firstFinalWins},
		{"another node's id", othersID},
		{"starts", starts},
		{"the last run is the last one to end", lastRun},
		{"a clock that is ahead", clockAhead},
		{"what is dropped is counted once", dropped},
		{"lists of runs", listsOfRuns},
		{"pages of large runs", largePages},
		{"bad cursors", badCursors},
		{"nothing there", nothingThere},
		{"what is put comes back", comesBack},
		{"unknown words", unknownWords},
		{"filters of nodes", filtersOfNodes},
		{"slots", slots},
		{"summary", summary},
		{"retired nodes", retired},
		{"failing resources", failingResources},
		{"activity", activity},
		{"acknowledgements", acknowledgements},
		{"prune", prune},
		{"tokens", tokens},
		{"sessions", sessions},
		{"audit", audit},
		{"many at once", manyAtOnce},
	} {
		t.Run(test.name, func(t *testing.T) { test.run(t, open(t)) })
	}
	t.Run("standings", func(t *testing.T) { standings(t, open(t)) })
	t.Run("breaks", func(t *testing.T) { breaks(t, open(t)) })
	t.Run("anything", func(t *testing.T) { anything(t, open(t)) })
}

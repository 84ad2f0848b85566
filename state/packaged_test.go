package state

import (
	"fmt"
	"os"
	"strings"
	"testing"
)

// A package refuses to be put in the place of a newer one by this number.
func TestPackagedSchema(t *testing.T) {
	script, err := os.ReadFile("../packaging/scripts/schema")
	if err != nil {
		t.Fatal(err)
	}
	if want := fmt.Sprintf("\nschema=%d\n", schema); !strings.Contains(string(script), want) {
		t.Errorf("packaging/scripts/schema does not say %q", strings.TrimSpace(want))
	}
}

package packaging

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"github.com/puppet-cron/puppet-cron/collector/settings"
	"github.com/puppet-cron/puppet-cron/config"
)

// Every key of a configuration is a typed parameter of the module's class, and is put at its path.
func TestModuleParameters(t *testing.T) {
	for class, reference := range map[string]string{"init": config.Reference(), "collector": settings.Reference()} {
		text, err := os.ReadFile("puppet/puppet_cron/manifests/" + class + ".pp")
		if err != nil {
			t.Fatal(err)
		}
		manifest := string(text)
		var keys map[string]any
		if err := yaml.Unmarshal([]byte(reference), &keys); err != nil {
			t.Fatal(err)
		}
		names := parameters(nil, keys)
		if len(names) < 20 {
			t.Errorf("%s: only %d keys", class, len(names))
		}
		for _, path := range names {
			name := strings.Join(path, "_")
			typed := regexp.MustCompile(`(?m)^  Optional\[.+\] +\$` + name + ` = undef,$`)
			placed := regexp.MustCompile(`(?m)^ +'` + path[len(path)-1] + `' +=> \$(` + name + `|plain),$`) // plain: unwrapped
			for what, pattern := range map[string]*regexp.Regexp{"typed": typed, "put at its path": placed} {
				if !pattern.MatchString(manifest) {
					t.Errorf("%s.pp: %s is not %s", class, name, what)
				}
			}
			if !strings.Contains(manifest, "# @param "+name+"\n#   ") {
				t.Errorf("%s.pp: %s is not explained", class, name)
			}
		}
	}
}

// parameters are the paths of all values.
func parameters(above []string, keys map[string]any) (all [][]string) {
	for key, value := range keys {
		path := append(append([]string{}, above...), key)
		if below, ok := value.(map[string]any); ok && len(below) > 0 {
			all = append(all, parameters(path, below)...)
		} else {
			all = append(all, path)
		}
	}
	return all
}

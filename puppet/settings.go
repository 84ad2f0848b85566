package puppet

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strings"
	"time"
)

// Settings are the ones of Puppet's that matter here. The names are Puppet's.
type Settings struct {
	Certname          string `json:"certname"`
	Config            string `json:"config"` // path of puppet.conf
	Vardir            string `json:"vardir"`
	Statedir          string `json:"statedir"`
	Ssldir            string `json:"ssldir"`
	Lastrunfile       string `json:"lastrunfile"`
	Lastrunreport     string `json:"lastrunreport"`
	CatalogRunLock    string `json:"agent_catalog_run_lockfile"`
	DisabledLock      string `json:"agent_disabled_lockfile"`
	SSLLock           string `json:"ssl_lockfile"`
	Rundir            string `json:"rundir"`
	ClientDatadir     string `json:"client_datadir"`
	Hostcert          string `json:"hostcert"`
	Hostprivkey       string `json:"hostprivkey"`
	Localcacert       string `json:"localcacert"`
	Server            string `json:"server"`
	Serverport        number `json:"serverport"`
	Masterport        number `json:"masterport"` // until Puppet 6
	ServerList        list   `json:"server_list"`
	Runtimeout        number `json:"runtimeout"` // seconds, 0: none
	Report            flag   `json:"report"`
	Usecacheonfailure flag   `json:"usecacheonfailure"`
	UseCachedCatalog  flag   `json:"use_cached_catalog"`
	Environment       string `json:"environment"`
	UseSRVRecords     flag   `json:"use_srv_records"`
}

// number, flag and list take what different versions of Puppet print for one
// setting: 8140 or "8140", true or "true", null or "".
type (
	number int64
	flag   bool
	list   []string
)

func (n *number) UnmarshalJSON(data []byte) error {
	s := strings.Trim(string(data), `"`)
	if s == "" || s == "null" || s == "unlimited" {
		*n = 0
		return nil
	}
	var v json.Number
	if err := json.Unmarshal([]byte(s), &v); err != nil {
		return fmt.Errorf("%s is not a number", data)
	}
	f, err := v.Float64()
	*n = number(f)
	return err
}

func (f *flag) UnmarshalJSON(data []byte) error {
	*f = strings.Trim(string(data), `"`) == "true"
	return nil
}

func (l *list) UnmarshalJSON(data []byte) error {
	*l = nil
	var many []string
	if json.Unmarshal(data, &many) == nil {
		*l = many
		return nil
	}
	var one string
	if err := json.Unmarshal(data, &one); err != nil {
		return nil // an old version's form of server_list; the probe goes without
	}
	for s := range strings.SplitSeq(one, ",") {
		if s = strings.TrimSpace(s); s != "" {
			*l = append(*l, s)
		}
	}
	return nil
}

// RunTimeout is Puppet's own limit of a run; zero means that it has none.
func (s *Settings) RunTimeout() time.Duration { return time.Duration(s.Runtimeout) * time.Second }

// AgentPidfile is where Puppet's daemon leaves its pid. The setting pidfile is
// named after the program that asks, so it cannot be asked for.
func (s *Settings) AgentPidfile() string { return filepath.Join(s.Rundir, "agent.pid") }

// CachedCatalog is the file that the agent writes when the server gave a catalog.
func (s *Settings) CachedCatalog() string {
	return filepath.Join(s.ClientDatadir, "catalog", s.Certname+".json")
}

// settingNames are the names that `puppet config print` is asked for.
func settingNames() []string {
	var names []string
	for f := range reflect.TypeFor[Settings]().Fields() {
		names = append(names, f.Tag.Get("json"))
	}
	return names
}

// ErrSettings says that Puppet itself cannot read its configuration.
var ErrSettings = errors.New("puppet cannot read its configuration")

// askTimeout bounds `puppet config print`, which takes 1–2 s.
const askTimeout = 60 * time.Second

// AskSettings asks Puppet for its settings.
func AskSettings(ctx context.Context, binary string, o Options, env []string) (*Settings, error) {
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	section := map[Command]string{Agent: "agent", Apply: "user"}[o.Command]
	argv := append([]string{"config", "print", "--section", section, "--render-as", "json", "--color=false"}, o.location()...)
	if o.Certname != "" {
		argv = append(argv, "--certname", o.Certname)
	}
	cmd := exec.CommandContext(ctx, binary, append(argv, settingNames()...)...)
	cmd.Env = env
	cmd.Dir = "/"
	var stdout, stderr limitedBuffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	cmd.WaitDelay = time.Second // a child of Puppet's may keep the pipe open
	if err := cmd.Run(); err != nil {
		if errors.Is(err, os.ErrNotExist) || errors.Is(err, os.ErrPermission) {
			return nil, fmt.Errorf("cannot execute %s: %w", binary, err)
		}
		return nil, fmt.Errorf("%w: %s config print: %w: %s", ErrSettings, binary, err, lastLine(stderr.Bytes()))
	}
	return parseSettings(stdout.Bytes())
}

func parseSettings(data []byte) (*Settings, error) {
	// A deprecation warning may come first; the settings are the last line.
	if i := bytes.LastIndex(bytes.TrimSpace(data), []byte("\n{")); i >= 0 {
		data = data[i+1:]
	}
	s := new(Settings)
	if err := json.Unmarshal(data, s); err != nil {
		return nil, fmt.Errorf("%w: its answer is not what `config print --render-as json` gives: %w", ErrSettings, err)
	}
	if s.Serverport == 0 {
		s.Serverport = s.Masterport
	}
	for name, v := range map[string]string{
		"statedir": s.Statedir, "lastrunfile": s.Lastrunfile, "lastrunreport": s.Lastrunreport,
		"agent_catalog_run_lockfile": s.CatalogRunLock, "agent_disabled_lockfile": s.DisabledLock,
	} {
		if !filepath.IsAbs(v) {
			return nil, fmt.Errorf("%w: it answered %q for %s", ErrSettings, v, name)
		}
	}
	return s, nil
}

// limitedBuffer keeps the first 256 KiB, and takes the rest without keeping it: a
// short write would make the program that writes fail.
type limitedBuffer struct{ bytes.Buffer }

func (b *limitedBuffer) Write(p []byte) (int, error) {
	const most = 256 << 10
	if room := most - b.Len(); room > 0 {
		b.Buffer.Write(p[:min(len(p), room)])
	}
	return len(p), nil
}

func lastLine(b []byte) string {
	lines := strings.Split(strings.TrimSpace(string(b)), "\n")
	return lines[len(lines)-1]
}

package puppet

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strconv"
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
	Hostcrl           string `json:"hostcrl"`
	CAServer          string `json:"ca_server"`
	CAPort            number `json:"ca_port"`
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
	if string(data) == "null" {
		return nil // this Puppet does not know the setting
	}
	*f = strings.Trim(string(data), `"`) == "true"
	return nil
}

// UnmarshalJSON takes "a:8140,b", ["a:8140", "b"] and [["a", 8140], ["b"]]. Other
// forms make an empty list: the probe goes without.
func (l *list) UnmarshalJSON(data []byte) error {
	*l = nil
	var one string
	if json.Unmarshal(data, &one) == nil {
		for s := range strings.SplitSeq(one, ",") {
			l.add(s)
		}
		return nil
	}
	var many []any
	_ = json.Unmarshal(data, &many)
	for _, item := range many {
		if pair, ok := item.([]any); ok {
			l.add(strings.ReplaceAll(fmt.Sprintln(pair...), "<nil>", ""))
		} else {
			l.add(fmt.Sprint(item))
		}
	}
	return nil
}

// add takes host, host:port and "host port".
func (l *list) add(s string) {
	if fields := strings.Fields(s); len(fields) > 0 {
		*l = append(*l, strings.Join(fields, ":"))
	}
}

// maxRunTimeout is the longest limit of a run: in nanoseconds, Puppet's own may be
// more than there is room for.
const maxRunTimeout = 365 * 24 * time.Hour

// RunTimeout is Puppet's own limit of a run; zero means that it has none.
func (s *Settings) RunTimeout() time.Duration {
	return time.Duration(min(s.Runtimeout, number(maxRunTimeout/time.Second))) * time.Second
}

// AgentPidfile is where Puppet's daemon leaves its pid. The setting pidfile is
// named after the program that asks, so it cannot be asked for.
func (s *Settings) AgentPidfile() string { return filepath.Join(s.Rundir, "agent.pid") }

// CachedCatalog is the file that the agent writes when the server gave a catalog.
func (s *Settings) CachedCatalog() string {
	return filepath.Join(s.ClientDatadir, "catalog", s.Certname+".json")
}

// CRLURL is where the CA gives its revocation list; "" when Puppet names no CA.
func (s *Settings) CRLURL() string {
	if s.CAServer == "" {
		return ""
	}
	host := net.JoinHostPort(s.CAServer, strconv.Itoa(int(cmp.Or(s.CAPort, defaultPort))))
	return "https://" + host + "/puppet-ca/v1/certificate_revocation_list/ca"
}

// defaultPort is that of Puppet's server, and of its CA.
const defaultPort = 8140

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
	argv := append([]string{"config", "print", "--section", section, "--render-as", "json", "--color=false"}, o.asked()...)
	cmd := exec.CommandContext(ctx, binary, append(argv, settingNames()...)...)
	cmd.Env = env
	cmd.Dir = "/"
	var stdout, stderr limitedBuffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	cmd.SysProcAttr = ownSession() // a lost terminal must not end it
	cmd.Cancel = func() error { return killSession(cmd.Process.Pid) }
	cmd.WaitDelay = time.Second // a child of Puppet's may keep the pipe open
	if err := cmd.Run(); err != nil {
		if errors.Is(err, os.ErrNotExist) || errors.Is(err, os.ErrPermission) {
			return nil, fmt.Errorf("cannot execute %s: %w", binary, err)
		}
		if errors.Is(ctx.Err(), context.DeadlineExceeded) {
			return nil, fmt.Errorf("%w: %s config print gives no answer in time", ErrSettings, binary)
		}
		return nil, fmt.Errorf("%w: %s config print: %w: %s", ErrSettings, binary, err, lastLine(stderr.Bytes()))
	}
	if why := unparsed(stderr.Bytes()); why != "" {
		return nil, fmt.Errorf("%w: %s", ErrSettings, why)
	}
	return parseSettings(stdout.Bytes())
}

// unparsed is what Puppet says of a puppet.conf that it cannot parse. It exits with
// 0 all the same and goes on with its defaults: another server, another environment,
// no noop. Nothing that a run would do then is what anybody asked for.
func unparsed(stderr []byte) string {
	_, why, found := strings.Cut(string(stderr), "Error: Could not parse ")
	if !found {
		return ""
	}
	why, _, _ = strings.Cut(why, "\nError: ")
	return "could not parse " + strings.Join(strings.Fields(why), " ")
}

func parseSettings(data []byte) (*Settings, error) {
	// A deprecation warning may stand before the settings, or behind them.
	if i := bytes.LastIndex(data, []byte("\n{")); i >= 0 {
		data = data[i+1:]
	}
	s := &Settings{Report: true, Usecacheonfailure: true} // Puppet's defaults, should it not say
	if err := json.NewDecoder(bytes.NewReader(data)).Decode(s); err != nil {
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
//
// The buffer is no embedded one: io.Copy would find its ReadFrom, which knows no
// limit.
type limitedBuffer struct{ b bytes.Buffer }

func (b *limitedBuffer) Bytes() []byte { return b.b.Bytes() }

func (b *limitedBuffer) Write(p []byte) (int, error) {
	const most = 256 << 10
	if room := most - b.b.Len(); room > 0 {
		b.b.Write(p[:min(len(p), room)])
	}
	return len(p), nil
}

func lastLine(b []byte) string {
	lines := strings.Split(strings.TrimSpace(string(b)), "\n")
	return lines[len(lines)-1]
}

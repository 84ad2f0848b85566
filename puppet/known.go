package puppet

import (
	"context"
	"os"
	"slices"
	"time"

	"github.com/puppet-cron/puppet-cron/api"
)

// Known is what the last runner learnt of Puppet: puppet.json. Asking Puppet costs
// a second or two, so an answer holds until puppet.conf or the program changes; and
// users who may not look into Puppet's directories see here what root saw.
type Known struct {
	Schema  int         `json:"schema"`
	Seen    time.Time   `json:"seen"`
	Command Command     `json:"command"`
	Key     fingerprint `json:"key"`

	Settings   Settings         `json:"settings"`
	Disabled   *api.DisableInfo `json:"disabled,omitempty"`
	Schedulers []Scheduler      `json:"schedulers,omitempty"`
	// CertificateEnds is when the node's certificate does.
	CertificateEnds *time.Time `json:"certificate_ends,omitempty"`
}

// fingerprint is what the answer depends on. The certname is made from the host's
// name where puppet.conf does not say.
type fingerprint struct {
	Binary     stamp    `json:"binary"`
	PuppetConf stamp    `json:"puppet_conf"`
	Args       []string `json:"args"`
	Hostname   string   `json:"hostname"`
	UID        int      `json:"uid"`
}

func fingerprintOf(binary, puppetConf string, o Options) fingerprint {
	host, _ := os.Hostname()
	return fingerprint{
		Binary: stampOf(binary), PuppetConf: stampOf(puppetConf), Hostname: host, UID: os.Getuid(),
		Args: append([]string{string(o.Command)}, o.asked()...),
	}
}

func (f fingerprint) equal(g fingerprint) bool {
	return f.Binary == g.Binary && f.PuppetConf == g.PuppetConf && f.Hostname == g.Hostname && f.UID == g.UID &&
		slices.Equal(f.Args, g.Args)
}

// Learn returns Puppet's settings: the ones known when they still hold, else fresh
// ones. It reports whether it had to ask.
func Learn(ctx context.Context, old *Known, binary string, o Options, env []string) (*Known, bool, error) {
	if old != nil && old.Key.equal(fingerprintOf(binary, old.Settings.Config, o)) {
		known := *old
		known.Command = o.Command
		return &known, false, nil
	}
	settings, err := AskSettings(ctx, binary, o, env)
	if err != nil {
		return nil, true, err
	}
	return &Known{
		Schema: 1, Command: o.Command, Settings: *settings, Key: fingerprintOf(binary, settings.Config, o),
	}, true, nil
}

// Replaced reports whether another program stands where the one that answered stood.
func (k *Known) Replaced() bool {
	now := stampOf(k.Key.Binary.Path)
	return now.Size >= 0 && now != k.Key.Binary
}

// Look notes what is seen of the node now, for those who may not look themselves.
func (k *Known) Look(now time.Time, roots SchedulerRoots) {
	k.Seen = now
	k.Disabled, _ = ReadDisable(k.Settings.DisabledLock)
	k.Schedulers, _ = FindSchedulers(roots, &k.Settings)
	k.CertificateEnds = nil
	if k.Command == Agent {
		if end, err := CertificateEnd(k.Settings.Hostcert); err == nil {
			k.CertificateEnds = &end
		}
	}
}

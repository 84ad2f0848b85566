package args

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// maxValue is the length of the longest value of an extra argument, in bytes.
const maxValue = 1024

// form says how an argument is written.
type form int

const (
	option  form = iota // --name: an option of the application, it has no --no-name
	setting             // --name or --no-name: a setting that is true or false
	valued              // --name=value
)

// allowed holds the arguments that tune a run and that puppet-cron has no
// opinion about.
var allowed = map[string]form{
	"ca_port":              valued,
	"ca_server":            valued,
	"debug":                option,
	"evaltrace":            setting,
	"graph":                setting,
	"hiera_config":         valued,
	"http_connect_timeout": valued,
	"http_proxy_host":      valued,
	"http_proxy_port":      valued,
	"http_read_timeout":    valued,
	"http_user_agent":      valued,
	"ignoreschedules":      setting,
	"log_level":            valued,
	"masterport":           valued,
	"modulepath":           valued,
	"profile":              setting,
	"report_port":          valued,
	"report_server":        valued,
	"server":               valued,
	"server_list":          valued,
	"serverport":           valued,
	"strict":               valued,
	"summarize":            setting,
	"trace":                setting,
	"use_cached_catalog":   setting,
}

// Extra checks one extra argument: --name, --no-name or --name=value, the name
// being on the list of those that may be passed on.
//
// The names are settings, and Puppet wants them spelt with _: it accepts
// --ca-server as well and then ignores it, so that spelling is refused here.
func Extra(arg string) error {
	if err := extra(arg); err != nil {
		return fmt.Errorf("argument %s: %w", quote(arg), err)
	}
	return nil
}

func extra(arg string) error {
	name, isLong := strings.CutPrefix(arg, "--")
	switch {
	case isLong:
	case strings.HasPrefix(arg, "-"):
		return errors.New("short options are refused: write the long one")
	default:
		return errors.New(`not an option: write one per entry, as in "--evaltrace" or "--server=puppet.example.com"`)
	}
	name, value, hasValue := strings.Cut(name, "=")
	name, negated := strings.CutPrefix(name, "no-")
	if err := checkExtraName(name); err != nil {
		return err
	}
	if hasValue {
		return checkExtraValue(name, value, negated)
	}
	return checkExtraSwitch(name, negated)
}

func checkExtraName(name string) error {
	if _, ok := allowed[name]; ok {
		return nil
	}
	underscored := strings.ReplaceAll(name, "-", "_")
	if why, ok := refused[underscored]; ok {
		return fmt.Errorf("refused: %s", why)
	}
	if _, ok := allowed[underscored]; ok {
		return fmt.Errorf("puppet ignores this spelling: the name is %s", underscored)
	}
	if option, value, ok := strings.Cut(name, " "); ok {
		return fmt.Errorf("an option and its value are one entry, joined by =: write --%s=%s", option, strings.TrimSpace(value))
	}
	return fmt.Errorf("not one of those that may be passed on: %s", strings.Join(slices.Sorted(maps.Keys(allowed)), ", "))
}

func checkExtraSwitch(name string, negated bool) error {
	switch {
	case allowed[name] == valued && negated:
		return fmt.Errorf("has no opposite: write --%s=VALUE", name)
	case allowed[name] == valued:
		return fmt.Errorf("has no value: write --%s=VALUE as one entry", name)
	case allowed[name] == option && negated:
		return fmt.Errorf("puppet knows no --no-%s: remove the entry", name)
	}
	return nil
}

func checkExtraValue(name, value string, negated bool) error {
	switch {
	case allowed[name] != valued:
		return fmt.Errorf("takes no value: write --%s", name)
	case negated:
		return fmt.Errorf("has no opposite: write --%s=VALUE", name)
	case value == "":
		return fmt.Errorf("has no value: write --%s=VALUE as one entry", name)
	case len(value) > maxValue:
		return fmt.Errorf("the value is longer than %d bytes", maxValue)
	case !utf8.ValidString(value) || strings.ContainsFunc(value, unicode.IsControl):
		return errors.New("the value holds control characters or is not UTF-8")
	}
	return nil
}

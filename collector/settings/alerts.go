package settings

import (
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"strings"

	"github.com/puppet-cron/puppet-cron/collector/alerts"
	"github.com/puppet-cron/puppet-cron/internal/strict"
)

// percent is a share that is given as 2%.
type percent struct{ dst *float64 }

func (v percent) Set(s string) error {
	number, ok := strings.CutSuffix(s, "%")
	p, err := strconv.ParseFloat(number, 64)
	if !ok || err != nil || !(p >= 0.1 && p <= 100) {
		return strict.MustBe("a share from 0.1% to 100%", s)
	}
	*v.dst = p / 100
	return nil
}

func (v percent) Show() any { return strconv.FormatFloat(*v.dst*100, 'g', 6, 64) + "%" }

// webhooks is a list of sections.
type webhooks struct{ dst *[]alerts.Webhook }

func (v webhooks) Set(s string) error {
	return strict.MustBe("a list of sections such as [{name: ops, url: https://…, secret_file: /…}]", s)
}

// Show writes the list as it is read.
func (v webhooks) Show() any {
	type shown struct {
		Name       string `yaml:"name"`
		URL        string `yaml:"url"`
		SecretFile string `yaml:"secret_file,omitempty"`
	}
	list := []shown{}
	for _, w := range *v.dst {
		list = append(list, shown(w))
	}
	return list
}

// add adds a webhook and returns its keys.
func (v webhooks) add() []strict.Option {
	*v.dst = append(*v.dst, alerts.Webhook{})
	w := &(*v.dst)[len(*v.dst)-1] // filled before the next one is added
	return []strict.Option{
		{Key: "name", Value: strict.Text(&w.Name, v.newName), Required: true},
		{Key: "url", Value: strict.Text(&w.URL, webhookURL), Required: true},
		{Key: "secret_file", Value: strict.Text(&w.SecretFile, strict.Optional(strict.Absolute))},
	}
}

// newName wants each webhook to have a name of its own: deliveries go by it.
func (v webhooks) newName(s string) error {
	if s == "" || len(s) > 64 || strings.Trim(s, "abcdefghijklmnopqrstuvwxyz0123456789-_") != "" {
		return strict.MustBe("a name of at most 64 lower-case letters, digits, - and _", s)
	}
	for _, w := range *v.dst {
		if w.Name == s {
			return fmt.Errorf("another webhook is %q: give each its own name", s)
		}
	}
	return nil
}

func unknownInWebhook(string) string { return "a webhook has name, url and secret_file" }

func webhookURL(s string) error {
	u, err := url.Parse(s)
	switch {
	case err != nil || u.Hostname() == "" || u.Scheme != "https" && u.Scheme != "http":
		return strict.MustBe("a URL such as https://chat.example.com/hooks/puppet", s)
	case u.User != nil:
		return errors.New("cannot hold a user or a password: sign what is sent by secret_file, or put a proxy that logs in before the receiver")
	}
	return nil
}

func dashboardURL(s string) error {
	u, err := url.Parse(s)
	if err != nil || u.Hostname() == "" || u.Scheme != "https" && u.Scheme != "http" || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		return strict.MustBe("a URL such as https://puppet.example.com:8150", s)
	}
	return nil
}

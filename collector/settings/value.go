package settings

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/puppet-cron/puppet-cron/internal/strict"
)

// CheckListen checks an address to listen on.
func CheckListen(s string) error {
	host, port, err := net.SplitHostPort(s)
	if _, wrong := strconv.ParseUint(port, 10, 16); err != nil || wrong != nil || strings.ContainsAny(host, " /") {
		return strict.MustBe(`an address to listen on such as ":8150" or "192.0.2.1:8150"`, s)
	}
	return nil
}

// crlURL checks where the revocation list is fetched.
func crlURL(s string) error {
	if s == Auto {
		return nil
	}
	u, err := url.Parse(s)
	if err == nil && u.User != nil {
		return errors.New("cannot hold a user or a password: the CA gives its revocation list to everybody")
	}
	if err != nil || u.Hostname() == "" || u.Scheme != "https" {
		return strict.MustBe("a URL such as https://puppet:8140/puppet-ca/v1/certificate_revocation_list/ca, or auto", s)
	}
	return nil
}

// Bounds of how long runs are kept.
const (
	minKept = time.Hour
	maxKept = 3650 * day
)

// days is a duration that may be given in days: 14d.
type days struct {
	dst   *time.Duration
	least time.Duration
}

func (v days) Set(s string) error {
	d, err := ParseDays(s)
	switch {
	case strict.IsNumber(s):
		return fmt.Errorf("%s has no unit: write %sd or %sh", s, s, s)
	case err != nil:
		return strict.MustBe("a duration such as 14d or 36h", s)
	case d < v.least || d > maxKept:
		return strict.MustBe(fmt.Sprintf("from %s to 3650d", days{&v.least, 0}.Show()), s)
	}
	*v.dst = d
	return nil
}

// ParseDays reads a duration that may be a whole number of days: 14d.
func ParseDays(s string) (time.Duration, error) {
	number, inDays := strings.CutSuffix(s, "d")
	if !inDays {
		return time.ParseDuration(s)
	}
	n, err := strconv.ParseUint(number, 10, 16) // what is larger is out of bounds anyhow
	return time.Duration(n) * day, err
}

func (v days) Show() any {
	if *v.dst%day == 0 {
		return fmt.Sprintf("%dd", *v.dst/day)
	}
	return strict.ShortDuration(*v.dst)
}

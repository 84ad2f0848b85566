package config

import (
	"strings"
	"time"

	"github.com/puppet-cron/puppet-cron/internal/strict"
)

// MaxDuration bounds every duration.
const MaxDuration = strict.MaxDuration

// toggle is a Switch.
type toggle struct{ dst *Switch }

func (v toggle) Set(s string) error {
	return strict.Choice(v.dst, Auto, On, Off).Set(s)
}

func (v toggle) Show() any {
	if *v.dst == Auto {
		return string(Auto)
	}
	return *v.dst == On
}

// interval is a duration of a second or more; 0, when it is not in use, is not shown.
type interval struct{ dst *time.Duration }

func (v interval) Set(s string) error {
	d, err := strict.ParseDuration(s, "")
	if err == nil && d < time.Second {
		err = strict.MustBe("1s or more", s)
	}
	*v.dst = d
	return err
}

func (v interval) Show() any {
	if *v.dst == 0 {
		return nil
	}
	return strict.ShortDuration(*v.dst)
}

// textfile keeps to the names that node_exporter reads.
func textfile(path string) error {
	if err := strict.CleanAbsolute(path); err != nil {
		return err
	}
	if !strings.HasSuffix(path, ".prom") {
		return strict.MustBe("a path that ends in .prom, node_exporter reads no other", path)
	}
	return nil
}

package sqlstore

import (
	"math"

	"github.com/puppet-cron/puppet-cron/api"
)

// fitsColumns reports whether the columns hold all that is worth keeping of a run.
func fitsColumns(run *api.Run) bool {
	if run.Outcome != api.Unchanged && run.Outcome != api.Skipped || run.Schema != api.SchemaVersion {
		return false
	}
	return run.Pending == 0 && !run.PuppetUpgraded &&
		run.Signal == "" && run.OrderID == "" && run.EnvironmentRequested == "" && run.Log == "" &&
		len(run.Warnings) == 0 && len(run.Failures) == 0 && run.FailuresCut == 0 && len(run.LeftRunning) == 0 &&
		run.Disabled == nil && fits32(int64(run.DroppedBefore)) &&
		(run.ExitCode == nil || fits32(int64(*run.ExitCode))) &&
		fitsID(run.TransactionUUID) && (run.Catalog == nil || fitsID(run.Catalog.UUID)) &&
		fitsTimings(run.TimingsS) && fitsResources(run.Resources) && fitsUsage(run.Usage) && fitsSchedule(run.Schedule)
}

func fitsID(s string) bool { return s == "" || api.ValidID(s) }

func fitsTimings(all map[string]float64) bool {
	for _, name := range keptTimings {
		if !fitsMillis(all[name]) {
			return false
		}
	}
	return true
}

func fitsResources(r *api.Resources) bool {
	return r == nil || *r == api.Resources{Total: r.Total, Skipped: r.Skipped, Scheduled: r.Scheduled} &&
		fits32(int64(r.Total)) && fits32(int64(r.Skipped)) && fits32(int64(r.Scheduled))
}

func fitsUsage(u *api.Usage) bool { return u == nil || fitsMillis(u.WallS) && fitsMillis(u.CPUS) }

// fitsSchedule wants exact times: a schedule is said in round figures.
func fitsSchedule(a *api.Announce) bool {
	return a == nil || exactMillis(a.IntervalS) && exactMillis(a.TimeoutS) && fits32(int64(a.MissedSlots)) &&
		(a.OffsetS == nil || fitsMillis(*a.OffsetS)) && (a.UTCOffsetS == nil || fits32(int64(*a.UTCOffsetS)))
}

func fits32(n int64) bool { return n >= math.MinInt32 && n <= math.MaxInt32 }

// fitsMillis reports whether seconds are milliseconds that have 32 bits: up to 24 days.
func fitsMillis(s float64) bool { return s >= 0 && s*1000 <= math.MaxInt32-1 }

func exactMillis(s float64) bool { return fitsMillis(s) && seconds(millis(s)) == s }

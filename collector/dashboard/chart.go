package dashboard

import (
	"fmt"
	"slices"
	"time"

	"github.com/puppet-cron/puppet-cron/api"
	"github.com/puppet-cron/puppet-cron/collector"
)

// A bar is a part of a chart, in its own units.
type bar struct {
	Class      string
	X, Y, W, H int
}

// A label stands at an axis.
type label struct {
	X, Y int
	Text string
}

// A chart is an SVG of Width by Height units.
type chart struct {
	Width, Height int
	Bars          []bar
	Grid          []label // lines across, with what they mean
	Axis          []label
	Rows          []chartRow // the same in words
	Says          string     // what one should see, in a sentence
}

type chartRow struct {
	Name  string
	Cells []int
}

const (
	chartWidth, chartHeight = 960, 200
	chartTop, chartBottom   = 12, 172
	chartLeft               = 40
	// barMinutes is how many minutes are one bar, and what a bar shows is their mean.
	barMinutes = 5
)

// groups are the outcomes as the chart stacks them, from below.
func groups() []string { return []string{"well", "changed", "bad", "skipped"} }

func groupOf(o api.Outcome) int {
	switch o {
	case api.Unchanged:
		return 0
	case api.Changed:
		return 1
	case api.Skipped:
		return 3
	}
	return 2
}

// runsChart shows the runs of each minute over the last day.
func runsChart(d day) chart {
	c := chart{Width: chartWidth, Height: chartHeight}
	bars := shownMinutes / barMinutes
	stacks := make([][4]int, bars)
	var peak, total, known int
	for m := max(d.First, d.Known); m < d.Until; m++ {
		known++
		runs := 0
		for o, n := range d.Minutes[m].Outcomes {
			stacks[min(int(m-d.First)/barMinutes, bars-1)][groupOf(o)] += n
			runs += n
		}
		peak, total = max(peak, runs), total+runs
	}
	top := 1
	for _, s := range stacks {
		top = max(top, s[0]+s[1]+s[2]+s[3])
	}
	for i, s := range stacks {
		y := chartBottom
		for g, n := range s {
			h := n * (chartBottom - chartTop) / top
			if n > 0 && h == 0 {
				h = 1 // what there is is seen
			}
			if h > 0 {
				y -= h
				c.Bars = append(c.Bars, bar{"bar-" + groups()[g], chartLeft + i*(chartWidth-chartLeft)/bars, y, (chartWidth-chartLeft)/bars + 1, h})
			}
		}
	}
	c.grid(float64(top) / barMinutes)
	c.hours(d.First)
	c.Rows = hourRows(d)
	if known > 0 {
		c.Says = flatness(peak, float64(total)/float64(known))
	}
	return c
}

// flatness says whether the load is spread as it should be.
func flatness(peak int, mean float64) string {
	says := fmt.Sprintf("At most %d runs in a minute, %.1f on average", peak, mean)
	switch {
	case mean < 5:
		return says + "."
	case float64(peak) <= 2*mean:
		return says + ": the load is flat."
	}
	return says + ": the load comes in waves."
}

func (c *chart) grid(top float64) {
	for i := 1; i <= 2; i++ {
		c.Grid = append(c.Grid, label{chartLeft, chartBottom - i*(chartBottom-chartTop)/2, axisNumber(top * float64(i) / 2)})
	}
}

// axisNumber is short enough for the margin.
func axisNumber(n float64) string {
	switch {
	case n < 10:
		return fmt.Sprintf("%.1f", n)
	case n < 10_000:
		return fmt.Sprintf("%.0f", n)
	}
	return fmt.Sprintf("%.0fk", n/1000)
}

// hours labels each third hour, in UTC.
func (c *chart) hours(first int64) {
	for m := first + (180-first%180)%180; m < first+shownMinutes; m += 180 {
		x := chartLeft + int(m-first)*(chartWidth-chartLeft)/shownMinutes
		c.Axis = append(c.Axis, label{x, chartBottom + 18, time.Unix(m*60, 0).UTC().Format("15:04")})
	}
}

// hourRows are the same numbers by the hour, for who does not see the chart.
func hourRows(d day) (rows []chartRow) {
	byHour := map[int64]*[4]int{}
	for m := max(d.First, d.Known); m < d.Until; m++ {
		h := m / 60
		if byHour[h] == nil {
			byHour[h] = new([4]int)
		}
		for o, n := range d.Minutes[m].Outcomes {
			byHour[h][groupOf(o)] += n
		}
	}
	for h := d.Until / 60; h >= d.First/60; h-- {
		if n := byHour[h]; n != nil {
			rows = append(rows, chartRow{time.Unix(h*3600, 0).UTC().Format("2 Jan 15:04 UTC"), n[:]})
		}
	}
	return rows
}

// tookChart shows how long the runs of the last day took.
func tookChart(d day) chart {
	c := chart{Width: chartWidth, Height: chartHeight}
	counts, total := tookCounts(d)
	top := max(slices.Max(counts[:]), 1)
	width := (chartWidth - chartLeft) / len(counts)
	for i, n := range counts {
		h := n * (chartBottom - chartTop) / top
		if n > 0 && h == 0 {
			h = 1
		}
		x := chartLeft + i*width
		if h > 0 {
			c.Bars = append(c.Bars, bar{"bar-took", x + 2, chartBottom - h, width - 4, h})
		}
		c.Axis = append(c.Axis, label{x + width/2, chartBottom + 18, bucketName(i)})
		c.Rows = append(c.Rows, chartRow{bucketName(i), []int{n}})
	}
	c.grid(float64(top))
	if total > 0 {
		c.Says = fmt.Sprintf("Half of %d runs took %s, nineteen of twenty %s.", total, bucketSays(quantile(counts[:], 0.5)), bucketSays(quantile(counts[:], 0.95)))
	}
	return c
}

func tookCounts(d day) (counts [len(collector.TookBounds) + 1]int, total int) {
	for _, m := range d.Minutes {
		for i, n := range m.Took {
			counts[i] += n
			total += n
		}
	}
	return counts, total
}

// quantile is the bucket that a share of all runs does not exceed.
func quantile(counts []int, share float64) int {
	total := 0
	for _, n := range counts {
		total += n
	}
	sum := 0
	for i, n := range counts {
		if sum += n; float64(sum) >= share*float64(total) {
			return i
		}
	}
	return len(counts) - 1
}

func bucketName(i int) string {
	if i == len(collector.TookBounds) {
		return "> " + shortTime(collector.TookBounds[i-1])
	}
	return "≤ " + shortTime(collector.TookBounds[i])
}

func bucketSays(i int) string {
	if i == len(collector.TookBounds) {
		return "more than " + shortTime(collector.TookBounds[i-1])
	}
	return "at most " + shortTime(collector.TookBounds[i])
}

func shortTime(d time.Duration) string {
	switch {
	case d < 2*time.Minute && d%time.Minute != 0:
		return fmt.Sprintf("%d s", int(d.Seconds()))
	case d < time.Hour:
		return fmt.Sprintf("%d m", int(d.Minutes()))
	}
	return fmt.Sprintf("%d h", int(d.Hours()))
}

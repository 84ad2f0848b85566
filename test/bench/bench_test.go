//go:build bench

// Package bench shows what puppet-cron costs, beside bare Puppet. It asserts the
// bounds of size only: the machines are shared, so times are printed, with medians
// and ratios of pairs that ran one after the other.
package bench

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/puppet-cron/puppet-cron/test/fakepuppet"
)

func TestMain(m *testing.M) {
	fakepuppet.Become()
	os.Exit(m.Run())
}

const program = "../../bin/puppet-cron" // `make bench` builds it

// A bound of the binary's size, stripped.
const maxBinary = 10 << 20

func TestSize(t *testing.T) {
	fi, err := os.Stat(program)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("agent binary: %.1f MiB (at most %d)", float64(fi.Size())/(1<<20), maxBinary>>20)
	if fi.Size() > maxBinary {
		t.Error("the binary has grown too large")
	}
}

// cost is what one process cost.
type cost struct {
	wall, cpu time.Duration
}

func measure(cmd *exec.Cmd) (cost, []byte, error) {
	start := time.Now()
	out, err := cmd.Output()
	wall := time.Since(start)
	if _, exited := errors.AsType[*exec.ExitError](err); err != nil && !exited {
		return cost{}, nil, err
	}
	ps := cmd.ProcessState
	return cost{wall, ps.UserTime() + ps.SystemTime()}, out, nil
}

// node makes a node with a fake Puppet and its configuration.
func node(t *testing.T) (config string, env []string, dir string) {
	t.Helper()
	dir = t.TempDir()
	fake, err := fakepuppet.New(filepath.Join(dir, "puppet"))
	if err != nil {
		t.Fatal(err)
	}
	config = write(t, dir, fmt.Sprintf("state_dir: %s/state\npuppet: {binary: %s}\n", dir, fake.Binary()))
	return config, append(os.Environ(), fake.Env("changed", 0, 100)...), dir
}

func write(t *testing.T, dir, config string) string {
	t.Helper()
	path := filepath.Join(dir, "puppet-cron.yaml")
	if err := os.WriteFile(path, []byte(config), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

// TestRunnersOwnCost: what a run takes beyond its Puppet. Aim: 50 ms of wall, 30 ms
// of CPU, at the median.
func TestRunnersOwnCost(t *testing.T) {
	config, env, _ := node(t)
	var walls, cpus []time.Duration
	for i := range 41 {
		cmd := exec.Command(program, "--config", config, "run", "--json")
		cmd.Env = env
		c, out, err := measure(cmd)
		if err != nil {
			t.Fatal(err)
		}
		var run struct {
			Usage struct {
				Wall float64 `json:"wall_s"`
				CPU  float64 `json:"cpu_s"`
			} `json:"usage"`
		}
		if err := json.Unmarshal(out, &run); err != nil {
			t.Fatal(err)
		}
		if i == 0 {
			continue // asks Puppet for its settings
		}
		walls = append(walls, c.wall-seconds(run.Usage.Wall))
		cpus = append(cpus, c.cpu-seconds(run.Usage.CPU))
	}
	t.Logf("runner's own cost (fake Puppet, %d runs): wall %s, CPU %s (median / 90 %%; aims 50 ms, 30 ms)",
		len(walls), spread(walls), spread(cpus))
}

func TestStatusCost(t *testing.T) {
	config, env, _ := node(t)
	run := exec.Command(program, "--config", config, "run")
	run.Env = env
	run.Run()
	var walls []time.Duration
	for range 50 {
		c, _, err := measure(exec.Command(program, "--config", config, "status"))
		if err != nil {
			t.Fatal(err)
		}
		walls = append(walls, c.wall)
	}
	t.Logf("status: wall %s (median / 90 %%; aim 20 ms)", spread(walls))
}

// inPairs runs two commands in turns, each one first as often as the other.
func inPairs(t *testing.T, bare, ours func() *exec.Cmd) {
	t.Helper()
	var ratios []float64
	var wallBare, wallOurs, cpuBare, cpuOurs []time.Duration
	for i := range 9 {
		pair := []func() *exec.Cmd{bare, ours}
		costs := make([]cost, 2)
		for _, j := range []int{i % 2, 1 - i%2} {
			c, _, err := measure(pair[j]())
			if err != nil {
				t.Fatal(err)
			}
			costs[j] = c
		}
		ratios = append(ratios, costs[1].wall.Seconds()/costs[0].wall.Seconds())
		wallBare, wallOurs = append(wallBare, costs[0].wall), append(wallOurs, costs[1].wall)
		cpuBare, cpuOurs = append(cpuBare, costs[0].cpu), append(cpuOurs, costs[1].cpu)
	}
	slices.Sort(ratios)
	t.Logf("bare puppet: wall %s, CPU %s", spread(wallBare), spread(cpuBare))
	t.Logf("puppet-cron: wall %s, CPU %s", spread(wallOurs), spread(cpuOurs))
	t.Logf("ratio of wall in %d pairs: median %.3f, from %.3f to %.3f", len(ratios), ratios[len(ratios)/2], ratios[0], ratios[len(ratios)-1])
}

func seconds(s float64) time.Duration { return time.Duration(s * float64(time.Second)) }

func spread(d []time.Duration) string {
	slices.Sort(d)
	return fmt.Sprintf("%.1f ms / %.1f ms", ms(d[len(d)/2]), ms(d[len(d)*9/10]))
}

func ms(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

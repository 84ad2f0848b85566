package process

import (
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"testing"
	"time"
)

func TestSelf(t *testing.T) {
	p, err := Find(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	if p.Parent != os.Getppid() || p.Zombie || p.Start == "" || !p.Alive() {
		t.Errorf("this process is %+v, alive %v", p, p.Alive())
	}
	if BootID() == "" {
		t.Error("no boot id")
	}
}

func TestAliveTellsIncarnations(t *testing.T) {
	p, err := Find(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	reused := ID{p.PID, p.Start + "0"}
	if reused.Alive() {
		t.Error("a pid that was given to another process counts as alive")
	}
	if (ID{}).Alive() {
		t.Error("no process counts as alive")
	}
	if _, err := Find(1 << 30); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a missing process: %v; want fs.ErrNotExist", err)
	}
}

func TestZombieIsNotAlive(t *testing.T) {
	c := exec.Command("cat")
	in, err := c.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	p, err := Find(c.Process.Pid)
	if err != nil || !p.Alive() {
		t.Fatalf("the child is %+v, %v; want it alive", p, err)
	}
	if !HasChildren() {
		t.Error("HasChildren is false with a child")
	}
	in.Close()
	for p.Alive() { // until it is a zombie: nobody waits for it before the next line
	}
	if err := c.Wait(); err != nil {
		t.Fatal(err)
	}
}

func TestDescendants(t *testing.T) {
	c := exec.Command("sh", "-c", "exec 3<&0; cat <&3 & cat <&3 & wait")
	in, err := c.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { in.Close(); c.Wait() }()
	for {
		all, err := All()
		if err != nil {
			t.Fatal(err)
		}
		if len(Descendants(all, c.Process.Pid)) == 2 {
			return
		}
	}
}

func TestParseStat(t *testing.T) {
	p, err := parseStat([]byte("42 (a) b (c)) S 1 42 42 0 -1 4194560 1 0 0 0 0 0 0 0 20 0 1 0 1234567 8 9"))
	if err != nil || p.PID != 42 || p.Name != "a) b (c)" || p.Parent != 1 || p.Start != "1234567" {
		t.Errorf("got %+v, %v", p, err)
	}
	for _, bad := range []string{"", "42", "42 (x", "42 (x) S 1", "x (x) S 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1"} {
		if p, err := parseStat([]byte(bad)); err == nil {
			t.Errorf("%q was read as %+v", bad, p)
		}
	}
}

// The format for systems without /proc is one that Linux's ps has as well.
func TestPS(t *testing.T) {
	out, err := exec.Command("ps", "-o", psFormat, "-p", "1").Output()
	if err != nil {
		t.Fatal(err)
	}
	p, ok := parsePS(string(out))
	if !ok || p.PID != 1 || p.Parent != 0 || p.Command == "" || p.Start == "" {
		t.Errorf("%q was read as %+v, %v", out, p, ok)
	}
	if _, ok := parsePS("1 2 S"); ok {
		t.Error("a short line was accepted")
	}
}

func TestUptime(t *testing.T) {
	if up := Uptime(); up < time.Second || up > 100*365*24*time.Hour {
		t.Errorf("up for %s", up)
	}
}

//go:build linux

package child_test

import (
	"os/exec"
	"runtime"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/puppet-cron/puppet-cron/test/child"
)

// TestOutlivesThreads: a thread that ends is no end of the process.
func TestOutlivesThreads(t *testing.T) {
	cmd := exec.Command("sleep", "300")
	ended, err := child.Start(cmd, syscall.SIGKILL)
	if err != nil {
		t.Fatal(err)
	}
	defer cmd.Process.Kill()
	endThreads()
	select {
	case <-ended:
		t.Fatalf("it has ended with a thread: %v", cmd.ProcessState)
	case <-time.After(200 * time.Millisecond): // a signal that was sent has arrived long before
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	<-ended
}

// endThreads ends nearly all the threads that there are: each goes with the goroutine that is locked to it.
func endThreads() {
	var locked, gone sync.WaitGroup
	end := make(chan struct{})
	for range 100 {
		locked.Add(1)
		gone.Go(func() {
			runtime.LockOSThread()
			locked.Done()
			<-end
		})
	}
	locked.Wait()
	close(end)
	gone.Wait()
}

func TestNoSuchProgram(t *testing.T) {
	if _, err := child.Start(exec.Command("/no/such/program"), syscall.SIGKILL); err == nil {
		t.Error("it was started")
	}
}

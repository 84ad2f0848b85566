package logind

import (
	"bufio"
	"io"
	"os"
	"strconv"
	"strings"
	"time"
)

// scheduledFile is where logind keeps a shutdown that was asked for with a time; see
// shutdown(8). It goes with `shutdown -c`.
const scheduledFile = "/run/systemd/shutdown/scheduled"

// Scheduled is when the system will be shut down; zero where no time is known.
func Scheduled() time.Time { return scheduledIn(scheduledFile) }

func scheduledIn(path string) time.Time {
	f, err := os.Open(path)
	if err != nil {
		return time.Time{}
	}
	defer f.Close()
	for lines := bufio.NewScanner(io.LimitReader(f, 64<<10)); lines.Scan(); {
		if usec, ok := strings.CutPrefix(lines.Text(), "USEC="); ok {
			if n, err := strconv.ParseInt(usec, 10, 64); err == nil {
				return time.UnixMicro(n)
			}
		}
	}
	return time.Time{}
}

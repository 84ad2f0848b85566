package daemon

import (
	"syscall"
	"time"
)

func ownSession() *syscall.SysProcAttr { return nil }

func monotonic() time.Duration { return 0 }

package runner

import (
	"errors"
	"os"
	"syscall"
)

// supported: a Windows job object must take the place of signals and sessions.
func supported() error { return errors.New("runs are not supported on Windows yet") }

func ownSession() *syscall.SysProcAttr { return nil }

func signalProcess(int, syscall.Signal) error { return errors.ErrUnsupported }

func setNice(int, int) error { return errors.ErrUnsupported }

func signalName(*os.ProcessState) string { return "" }

func maxRSS(*os.ProcessState) int64 { return 0 }

package hook

import (
	"errors"
	"syscall"
)

const executableByMode = false

func ownSession() *syscall.SysProcAttr { return nil }

func signalProcess(int, syscall.Signal) error { return errors.ErrUnsupported }

func groupOf(int) int { return 0 }

func keepDescriptors() {}

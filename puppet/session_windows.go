package puppet

import (
	"os"
	"syscall"
)

func ownSession() *syscall.SysProcAttr { return nil }

func killSession(leader int) error {
	p, err := os.FindProcess(leader)
	if err != nil {
		return err
	}
	return p.Kill()
}

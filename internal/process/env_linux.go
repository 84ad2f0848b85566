package process

import (
	"fmt"
	"os"
	"strings"
)

// Env is a variable in the environment that a process was started with; empty when
// it has none, or hides it.
func Env(pid int, name string) string {
	env, err := os.ReadFile(fmt.Sprintf("/proc/%d/environ", pid))
	if err != nil {
		return ""
	}
	for kv := range strings.SplitSeq(string(env), "\x00") {
		if value, ok := strings.CutPrefix(kv, name+"="); ok {
			return value
		}
	}
	return ""
}

package process

import (
	"os"
	"strconv"
	"strings"
)

// LoginUID is the user who logged in and became whoever this process is run by: the
// kernel keeps it through su and sudo. Nobody did when a service was started at boot.
func LoginUID() (uid string, ok bool) {
	text, err := os.ReadFile("/proc/self/loginuid")
	if err != nil {
		return "", false
	}
	return parseLoginUID(string(text))
}

func parseLoginUID(text string) (string, bool) {
	const unset = 1<<32 - 1
	n, err := strconv.ParseUint(strings.TrimSpace(text), 10, 32)
	if err != nil || n == unset {
		return "", false
	}
	return strconv.FormatUint(n, 10), true
}

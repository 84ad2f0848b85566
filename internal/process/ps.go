//go:build !windows

package process

import (
	"path"
	"strconv"
	"strings"
)

// psFormat prints the fields that parsePS reads, without headings. lstart is five
// words long ("Mon Nov 23 03:05:27 2026").
const psFormat = "pid=,ppid=,state=,lstart=,args="

func parsePS(line string) (Process, bool) {
	f := strings.Fields(line)
	if len(f) < 9 {
		return Process{}, false
	}
	pid, err := strconv.Atoi(f[0])
	if err != nil {
		return Process{}, false
	}
	parent, err := strconv.Atoi(f[1])
	if err != nil {
		return Process{}, false
	}
	return Process{
		ID: ID{pid, strings.Join(f[3:8], " ")}, Parent: parent, Zombie: strings.HasPrefix(f[2], "Z"),
		Name: path.Base(f[8]), Command: strings.Join(f[8:], " "),
	}, true
}

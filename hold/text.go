package hold

import (
	"errors"
	"fmt"
	"strings"

	"github.com/puppet-cron/puppet-cron/internal/printable"
)

// Bounds of what a person may write. The text goes into logs, onto terminals and into
// Puppet's own file.
const (
	maxReason = 400
	maxOwner  = 64
)

// CheckReason makes one line of a reason: newlines and tabs become spaces. What
// cannot be shown, or steers a terminal, is refused.
func CheckReason(text string) (string, error) {
	reason := strings.Join(strings.Fields(text), " ")
	switch {
	case reason == "":
		return "", errors.New("there is no reason in it; say why, for whoever finds the node held")
	case len(reason) > maxReason:
		return "", fmt.Errorf("%d bytes are more than the %d of a reason; name a ticket instead", len(reason), maxReason)
	}
	return reason, printable.Check(reason)
}

// CheckOwner refuses what cannot be the name of a user.
func CheckOwner(name string) error {
	switch {
	case name == "" || strings.Join(strings.Fields(name), " ") != name:
		return fmt.Errorf("%q is not the name of a user", name)
	case len(name) > maxOwner:
		return fmt.Errorf("the name of a user has %d bytes, more than %d", len(name), maxOwner)
	}
	return printable.Check(name)
}

package command

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
)

// ConfigOK says that the configuration in a file is right. So is one that is not there, but who
// thought that it was must learn of it.
func ConfigOK(w io.Writer, path string) {
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		fmt.Fprintf(w, "%s: ok: it is not there, and every key has its default\n", path)
		return
	}
	fmt.Fprintf(w, "%s: ok\n", path)
}

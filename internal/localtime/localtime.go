// Package localtime reads the time zone of this node anew: time.Local is what it was
// when the process started, and a service lives long.
package localtime

import (
	"io"
	"io/fs"
	"os"
	"strings"
	"time"
)

// File is where Unix systems keep their time zone.
const File = "/etc/localtime"

// maxFile is many times the largest of all zones.
const maxFile = 256 << 10

// Zone is a node's time zone, as it was read.
type Zone struct {
	Location *time.Location
	Mark     string // differs where two zones do

	path string // "": it cannot change while the process lives
	seen fs.FileInfo
}

// Read reads the zone from a file. It is that of the process where TZ is set, and where
// there is no such file or it holds no zone.
func Read(path string) Zone {
	if _, set := os.LookupEnv("TZ"); set {
		return Zone{Location: time.Local}
	}
	z := Zone{Location: time.Local, path: path, seen: look(path)} // looked at first: what changes now is seen later
	data := slurp(path, z.seen)
	name := nameOf(path)
	if loc, err := time.LoadLocationFromTZData(name, data); err == nil {
		z.Location, z.Mark = loc, name+"\n"+string(data)
	}
	return z
}

// Changed reports whether the file is not the one that was read, or was written since.
func (z Zone) Changed() bool {
	if z.path == "" {
		return false
	}
	now := look(z.path)
	if now == nil || z.seen == nil {
		return (now == nil) != (z.seen == nil)
	}
	return !os.SameFile(now, z.seen) || now.Size() != z.seen.Size() || !now.ModTime().Equal(z.seen.ModTime())
}

func look(path string) fs.FileInfo {
	fi, err := os.Stat(path)
	if err != nil {
		return nil
	}
	return fi
}

func slurp(path string, fi fs.FileInfo) []byte {
	if fi == nil || !fi.Mode().IsRegular() {
		return nil
	}
	f, err := os.Open(path)
	if err != nil {
		return nil
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxFile))
	if err != nil {
		return nil
	}
	return data
}

// nameOf is the zone's, when the file is a link to where all zones are.
func nameOf(path string) string {
	target, err := os.Readlink(path)
	if err != nil {
		return "Local"
	}
	if _, name, ok := strings.Cut(target, "zoneinfo/"); ok {
		return name
	}
	return "Local"
}

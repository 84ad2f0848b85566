package command

import (
	"fmt"
	"io"
	"log/slog"
)

// NewLogHandler writes a program's log: JSON, or text in which each line begins with the
// program's name. A service manager adds the time; a person knows it.
func NewLogHandler(w io.Writer, program string, level slog.Level, json bool) slog.Handler {
	if json {
		return slog.NewJSONHandler(w, &slog.HandlerOptions{Level: level})
	}
	return slog.NewTextHandler(prefixed{w, program}, &slog.HandlerOptions{
		Level: level,
		ReplaceAttr: func(groups []string, a slog.Attr) slog.Attr {
			if len(groups) == 0 && (a.Key == slog.TimeKey || (a.Key == slog.LevelKey && a.Value.Any() == slog.LevelInfo)) {
				return slog.Attr{}
			}
			return a
		},
	})
}

// prefixed marks each line with the program's name.
type prefixed struct {
	w       io.Writer
	program string
}

func (p prefixed) Write(line []byte) (int, error) {
	if _, err := fmt.Fprintf(p.w, "%s: %s", p.program, line); err != nil {
		return 0, err
	}
	return len(line), nil
}

package logind

import (
	"bufio"
	"encoding/binary"
	"errors"
	"net"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/godbus/dbus/v5"
)

// A bus whose logind gives the same answer to whoever asks for a lock, or none where the answer is empty.
type fakeBus struct {
	net.Conn
	from   *bufio.Reader
	answer string
	logind bool // runs
}

// listen serves each who comes, and returns where.
func listen(t *testing.T, serve func(net.Conn)) (socket string) {
	t.Helper()
	socket = filepath.Join(t.TempDir(), "bus")
	l, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for c, err := l.Accept(); err == nil; c, err = l.Accept() {
			go serve(c)
		}
	}()
	return socket
}

func (b *fakeBus) serve() {
	defer b.Close()
	for b.welcome() {
	}
	for {
		call, err := dbus.DecodeMessage(b.from)
		if err != nil || b.reply(call) != nil {
			return
		}
	}
}

// welcome answers one line of what comes before the first message, and reports whether another will come.
func (b *fakeBus) welcome() bool {
	line, err := b.from.ReadString('\n')
	switch verb, _, _ := strings.Cut(strings.Trim(line, "\x00\r\n"), " "); {
	case strings.HasSuffix(line, "AUTH\r\n"):
		b.Write([]byte("REJECTED EXTERNAL\r\n"))
	case verb == "AUTH":
		b.Write([]byte("DATA\r\n"))
	case verb == "DATA":
		b.Write([]byte("OK 0123456789abcdef0123456789abcdef\r\n"))
	case verb == "NEGOTIATE_UNIX_FD":
		b.Write([]byte("AGREE_UNIX_FD\r\n"))
	case verb == "BEGIN":
		return false
	}
	return err == nil
}

func (b *fakeBus) reply(call *dbus.Message) error {
	r := &dbus.Message{Type: dbus.TypeMethodReply, Headers: map[dbus.HeaderField]dbus.Variant{
		dbus.FieldReplySerial: dbus.MakeVariant(call.Serial()),
	}}
	switch call.Headers[dbus.FieldMember].Value() {
	case "Hello":
		r.Headers[dbus.FieldSignature] = dbus.MakeVariant(dbus.SignatureOf(""))
		r.Body = []any{":1.7"}
	case "NameHasOwner":
		r.Headers[dbus.FieldSignature] = dbus.MakeVariant(dbus.SignatureOf(true))
		r.Body = []any{b.logind}
	case "Inhibit":
		if b.answer == "" {
			return nil
		}
		r.Type = dbus.TypeError
		r.Headers[dbus.FieldErrorName] = dbus.MakeVariant(b.answer)
	}
	return r.EncodeTo(b, binary.LittleEndian)
}

func answering(t *testing.T, answer string, logind bool) (socket string) {
	t.Helper()
	return listen(t, func(c net.Conn) { (&fakeBus{c, bufio.NewReader(c), answer, logind}).serve() })
}

func TestAbsent(t *testing.T) {
	for name, socket := range map[string]string{
		"no bus":    filepath.Join(t.TempDir(), "none"),
		"no logind": answering(t, "org.freedesktop.DBus.Error.ServiceUnknown", false),
		"masked":    answering(t, "org.freedesktop.DBus.Error.FileExists", false), // as systemd 252 says it
	} {
		if _, err := inhibit(socket, timeout, Delay, "a test", "to see"); !errors.Is(err, ErrAbsent) {
			t.Errorf("%s: %v; want %v", name, err, ErrAbsent)
		}
	}
}

// What should be there and fails is told.
func TestRefused(t *testing.T) {
	_, err := inhibit(answering(t, "org.freedesktop.DBus.Error.AccessDenied", true), timeout, Delay, "a test", "to see")
	if err == nil || errors.Is(err, ErrAbsent) || !strings.Contains(err.Error(), "AccessDenied") {
		t.Errorf("%v; want the answer of the bus", err)
	}
}

func TestNoAnswer(t *testing.T) {
	for name, socket := range map[string]string{
		"the bus":    listen(t, func(net.Conn) {}),
		"its logind": answering(t, "", true),
	} {
		const patience = 100 * time.Millisecond
		began := time.Now()
		_, err := inhibit(socket, patience, Block, "a test", "to see")
		if err == nil || errors.Is(err, ErrAbsent) || !strings.Contains(err.Error(), "no answer within 100ms") {
			t.Errorf("%s is silent: %v; want an error that says so", name, err)
		}
		if took := time.Since(began); took < patience || took > timeout {
			t.Errorf("%s is silent: given up after %s; want %s", name, took, patience)
		}
	}
}

// Who comes too late for a lock learns it at once.
func TestGoesDownAlready(t *testing.T) {
	for _, mode := range []Mode{Delay, Block} {
		lock, err := inhibit(answering(t, "org.freedesktop.login1.OperationInProgress", true), timeout, mode, "a test", "to see")
		if err != nil {
			t.Fatal(err)
		}
		defer lock.Release()
		select {
		case <-lock.GoingDown():
		default:
			t.Errorf("%s: nobody said that the system goes down", mode)
		}
	}
}

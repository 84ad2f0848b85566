//go:build linux

package postgres

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"sync"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"
)

const (
	programs = "/usr/lib/postgresql/15/bin"
	// account is whom the server runs as when the test is root's: it refuses to be root.
	account = "postgres"
	// timeout bounds a start, which may have a log to replay.
	timeout = time.Minute
)

// Server is a PostgreSQL of this test's own.
type Server struct {
	dir string
	as  *syscall.Credential

	mu      sync.Mutex
	running *process // nil: it was killed
}

// Start makes an empty database cluster and returns when the server answers. It ends with
// this process, whatever ends that, but only Stop removes its directory.
func Start(ctx context.Context) (*Server, error) {
	as, err := credential()
	if err != nil {
		return nil, fmt.Errorf("start PostgreSQL: %w", err)
	}
	dir, err := os.MkdirTemp("", "puppet-cron-pg-") // short: it is part of a socket's name
	if err != nil {
		return nil, fmt.Errorf("start PostgreSQL: %w", err)
	}
	s := &Server{dir: dir, as: as}
	if err = s.prepare(ctx); err == nil {
		err = s.Restart(ctx)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("start PostgreSQL: %w", err), s.Stop())
	}
	return s, nil
}

func credential() (*syscall.Credential, error) {
	if os.Getuid() != 0 {
		return nil, nil
	}
	u, err := user.Lookup(account)
	if err != nil {
		return nil, fmt.Errorf("run test/lab/install collector: %w", err)
	}
	uid, err := strconv.ParseUint(u.Uid, 10, 32)
	if err != nil {
		return nil, err
	}
	gid, err := strconv.ParseUint(u.Gid, 10, 32)
	return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}, err
}

// prepare makes the cluster. Whoever may enter the directory may do everything, and that is
// the server's user and root.
func (s *Server) prepare(ctx context.Context) error {
	if s.as != nil {
		if err := os.Chown(s.dir, int(s.as.Uid), int(s.as.Gid)); err != nil {
			return err
		}
	}
	cmd := exec.CommandContext(ctx, filepath.Join(programs, "initdb"), "--no-sync", "--username=postgres", "--auth=trust",
		"--encoding=UTF8", "--locale=C.UTF-8", "--pgdata="+s.data())
	cmd.Dir = s.dir
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: s.as}
	if said, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("initdb: %w\n%s", err, said)
	}
	return nil
}

func (s *Server) data() string { return filepath.Join(s.dir, "data") }

// Restart starts the server after Kill, and returns when it answers.
func (s *Server) Restart(ctx context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.running != nil {
		return errors.New("start PostgreSQL: it is running")
	}
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	p, err := begin(s.command())
	if err != nil {
		return err
	}
	s.running = p
	for {
		err := s.ping(ctx)
		if err == nil {
			return nil
		}
		select {
		case <-p.ended:
			s.running = nil
			return fmt.Errorf("PostgreSQL has ended: %s", s.logTail())
		case <-ctx.Done():
			return fmt.Errorf("PostgreSQL does not answer: %w", errors.Join(ctx.Err(), err))
		case <-time.After(20 * time.Millisecond):
		}
	}
}

func (s *Server) command() *exec.Cmd {
	cmd := exec.Command(filepath.Join(programs, "postgres"), "-D", s.data(),
		"-c", "listen_addresses=", "-c", "unix_socket_directories="+s.dir,
		"-c", "fsync=on", "-c", "synchronous_commit=on", "-c", "max_connections=100",
		"-c", "logging_collector=off")
	cmd.Dir = s.dir
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Credential: s.as,
		Setsid:     true, // a Ctrl-C is for the test
	}
	return cmd
}

func (s *Server) ping(ctx context.Context) error {
	conn, err := pgx.Connect(ctx, s.DSN("postgres"))
	if err != nil {
		return err
	}
	return conn.Close(ctx)
}

// DSN names a database of the server.
func (s *Server) DSN(database string) string {
	u := url.URL{Scheme: "postgres", User: url.User("postgres"), Path: "/" + database, RawQuery: url.Values{"host": {s.dir}}.Encode()}
	return u.String()
}

// Create makes an empty database and gives its DSN.
func (s *Server) Create(ctx context.Context, name string) (dsn string, err error) {
	conn, err := pgx.Connect(ctx, s.DSN("postgres"))
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, conn.Close(ctx)) }()
	_, err = conn.Exec(ctx, "CREATE DATABASE "+pgx.Identifier{name}.Sanitize())
	return s.DSN(name), err
}

// PID is that of the server's first process, 0 when it was killed.
func (s *Server) PID() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.running == nil {
		return 0
	}
	return s.running.cmd.Process.Pid
}

// Kill ends the server and all its children as a power cut would. Restart brings it back.
func (s *Server) Kill() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.running == nil {
		return errors.New("kill PostgreSQL: it is not running")
	}
	err := s.running.kill()
	s.running = nil
	return err
}

// Stop ends the server and removes its directory.
func (s *Server) Stop() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	var err error
	if s.running != nil {
		err = s.running.stop()
		s.running = nil
	}
	return errors.Join(err, os.RemoveAll(s.dir))
}

// logTail is what the server has said last, for the errors that it explains.
func (s *Server) logTail() string {
	log, err := os.ReadFile(filepath.Join(s.dir, "log"))
	if err != nil {
		return err.Error()
	}
	const most = 2000
	return string(log[max(0, len(log)-most):])
}

// Package queuetest starts a Redis server for a test. It needs the redis-server command.
package queuetest

import (
	"bytes"
	"fmt"
	"net"
	"os/exec"
	"syscall"
	"testing"
	"time"

	"github.com/gomodule/redigo/redis"
)

// Server is a Redis server of a test's own.
type Server struct {
	// Address is its host and port.
	Address string

	dir  string
	args []string
	cmd  *exec.Cmd
}

// Start starts a server at an address of this machine, which ends with the test. It keeps
// what it has on disk at once. args are more of its options, such as "--requirepass".
func Start(t testing.TB, host string, args ...string) *Server {
	t.Helper()
	l, err := net.Listen("tcp", net.JoinHostPort(host, "0"))
	if err != nil {
		t.Fatal(err)
	}
	s := &Server{Address: l.Addr().String(), dir: t.TempDir(), args: args}
	l.Close()
	s.Begin(t)
	t.Cleanup(func() { s.End(t) })
	return s
}

// Begin starts a server again that has ended, with what it had.
func (s *Server) Begin(t testing.TB) {
	t.Helper()
	host, port, err := net.SplitHostPort(s.Address)
	if err != nil {
		t.Fatal(err)
	}
	output := new(bytes.Buffer)
	s.cmd = exec.Command("redis-server", append([]string{
		"--bind", host, "--port", port, "--protected-mode", "no", "--dir", s.dir, "--save", "", "--appendonly", "yes", "--appendfsync", "always",
	}, s.args...)...)
	s.cmd.Stdout, s.cmd.Stderr = output, output
	if err := s.cmd.Start(); err != nil {
		t.Fatalf("start redis-server: %v", err)
	}
	for limit := time.Now().Add(30 * time.Second); ; {
		if reply, err := redis.String(s.Try("PING")); err == nil && reply == "PONG" {
			return
		}
		if time.Now().After(limit) {
			s.End(t)
			t.Fatalf("redis-server does not answer: %s", output)
		}
	}
}

// End ends a server.
func (s *Server) End(t testing.TB) {
	if s.cmd == nil {
		return
	}
	s.cmd.Process.Signal(syscall.SIGTERM)
	s.cmd.Wait()
	s.cmd = nil
}

// URL is that of a stream.
func (s *Server) URL(stream string) string { return fmt.Sprintf("redis://%s/0/%s", s.Address, stream) }

// Do sends a command, and returns its reply.
func (s *Server) Do(t testing.TB, command string, args ...any) any {
	t.Helper()
	reply, err := s.Try(command, args...)
	if err != nil {
		t.Fatalf("%s: %v", command, err)
	}
	return reply
}

// Try is Do for a command that may fail.
func (s *Server) Try(command string, args ...any) (any, error) {
	c, err := redis.Dial("tcp", s.Address, redis.DialConnectTimeout(time.Second))
	if err != nil {
		return nil, err
	}
	defer c.Close()
	return c.Do(command, args...)
}

// Add puts a message into a stream, as fields and values in turn, and returns its id.
func (s *Server) Add(t testing.TB, stream string, fields ...string) string {
	t.Helper()
	id, err := redis.String(s.Do(t, "XADD", redis.Args{stream, "*"}.AddFlat(fields)...), nil)
	if err != nil {
		t.Fatal(err)
	}
	return id
}

// Count returns how many messages a stream has, and Pending how many of them a group has
// taken and not acknowledged.
func (s *Server) Count(t testing.TB, stream string) int {
	t.Helper()
	n, err := redis.Int(s.Do(t, "XLEN", stream), nil)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// Pending is explained at Count.
func (s *Server) Pending(t testing.TB, stream, group string) int {
	t.Helper()
	rows, err := redis.Values(s.Do(t, "XPENDING", stream, group), nil)
	if err != nil {
		t.Fatal(err)
	}
	n, err := redis.Int(rows[0], nil)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

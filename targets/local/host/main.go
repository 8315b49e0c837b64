package host

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"
)

// The size of the supervisor's own log.
const hostLogSize = 1_000_000

// Main is the supervisor. args are those after HostCommand. It returns the exit
// code when there is nothing left to run, or when it is told to end, by the
// context or otherwise; until then it cares for nothing that happens to the
// terminal it came from.
func Main(ctx context.Context, args []string) int {
	flags := flag.NewFlagSet(HostCommand, flag.ContinueOnError)
	state := flags.String("state", "", "the state folder of twofold")
	version := flags.String("version", "", "the version of twofold")
	if flags.Parse(args) != nil || *state == "" {
		return 2
	}
	signal.Ignore(syscall.SIGHUP, syscall.SIGPIPE)
	layout, err := NewLayout(*state)
	if err == nil {
		err = run(ctx, layout, *version, nil)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "local host:", err)
		return 1
	}
	return 0
}

// run is the supervisor from its lock to its end. prepare may change it before it
// begins; it is for tests.
func run(ctx context.Context, layout Layout, version string, prepare func(*supervisor)) error {
	if err := layout.Make(); err != nil {
		return err
	}
	unlock, err := becomeHost(ctx, layout)
	if err != nil || unlock == nil {
		return err
	}
	defer unlock()
	logs, err := openLog(layout.Log(), hostLogSize, 2)
	if err != nil {
		return err
	}
	defer logs.Close()
	logger := log.New(logs, "", log.LstdFlags)
	build, err := thisBuild(version)
	if err != nil {
		return err
	}
	s := newSupervisor(layout, build, logger)
	m := &maker{logger: logger, hostLabel: hostLabel(layout)}
	s.make, s.remove, s.clean, s.run = m.make, m.remove, m.cleanEngine, m.run
	if prepare != nil {
		prepare(s)
	}
	return s.serve(ctx)
}

func (s *supervisor) serve(ctx context.Context) error {
	if err := s.load(); err != nil {
		return fmt.Errorf("read what is deployed: %w", err)
	}
	l, socket, err := listenSocket(s.layout)
	if err != nil {
		return err
	}
	defer os.Remove(socket)
	s.logger.Printf("process %d runs, version %s, with %d deployments", os.Getpid(), s.build.Version, len(s.deployments))
	s.watchIdle()
	server := &http.Server{Handler: s.handler(), ErrorLog: log.New(io.Discard, "", 0)}
	go server.Serve(l)

	resuming, cancel := context.WithCancel(ctx)
	defer cancel()
	go s.resume(resuming)

	signals := make(chan os.Signal, 2)
	signal.Notify(signals, syscall.SIGTERM, syscall.SIGINT)
	select {
	case got := <-signals:
		s.logger.Printf("ends on %s", got)
		s.end()
	case <-ctx.Done():
		s.end()
	case <-s.quit:
	}
	go func() {
		<-signals // a second one is an order
		os.Exit(1)
	}()
	cancel()
	s.close()
	wait, stop := context.WithTimeout(context.Background(), time.Second)
	defer stop()
	server.Shutdown(wait)
	s.logger.Printf("process %d has ended", os.Getpid())
	return nil
}

// becomeHost takes the lock that makes this process the one supervisor. The
// result is nil, with no error, if there is one that answers.
func becomeHost(ctx context.Context, layout Layout) (unlock func(), err error) {
	f, err := os.OpenFile(layout.lock(), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	f.Close()
	// One that is about to end holds the lock for as long as its apps take.
	deadline := time.Now().Add(takeoverLimit)
	for {
		unlock, err := tryLock(layout.lock())
		if err == nil {
			return unlock, nil
		}
		if !errors.Is(err, errLocked) {
			return nil, fmt.Errorf("lock %s: %w", layout.lock(), err)
		}
		if h, err := dial(layout).hello(ctx); err == nil && !h.Ending {
			return nil, nil
		}
		if time.Now().After(deadline) {
			return nil, fmt.Errorf("another process has locked %s and does not answer; end it, and run the command again", layout.lock())
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// takeoverLimit is how long a supervisor may take to end before its successor.
const takeoverLimit = time.Minute

// listenSocket listens where clients look for the supervisor. Only this user can
// connect. The caller has the lock, so a socket that is there is a dead one's.
func listenSocket(layout Layout) (net.Listener, string, error) {
	path, err := layout.Socket()
	if err != nil {
		return nil, "", err
	}
	os.Remove(path)
	l, err := net.Listen("unix", path)
	if err != nil {
		return nil, "", fmt.Errorf("listen on %s: %w", path, err)
	}
	if err := os.Chmod(path, 0o600); err != nil {
		l.Close()
		return nil, "", fmt.Errorf("listen on %s: %w", path, err)
	}
	return l, path, nil
}

// thisBuild describes the binary that runs.
func thisBuild(version string) (Build, error) {
	path, err := os.Executable()
	if err != nil {
		return Build{}, err
	}
	return buildOf(path, version)
}

func buildOf(path, version string) (Build, error) {
	info, err := os.Stat(path)
	if err != nil {
		return Build{}, err
	}
	return Build{Version: version, Path: path, Size: info.Size(), Time: info.ModTime().UnixNano()}, nil
}

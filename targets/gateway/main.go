package gateway

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
	"sync"
	"syscall"
	"time"

	"github.com/twofoldhq/twofold/targets/schedule"
)

// The paths and ports of the program in its container.
const (
	// Program is where the program lies.
	Program = "/twofold-gateway"
	// Dir is the folder that a volume keeps.
	Dir = "/data"
	// Plain takes requests, and TLS those of https, at a gateway that has
	// certificates. Passed takes requests from another gateway.
	Plain, TLS, Passed = 80, 443, 8081
)

// The verbs of the program.
const (
	// VerbServe starts a gateway. VerbServe with EdgeFlag starts one with
	// certificates.
	VerbServe = "serve"
	EdgeFlag  = "--edge"
	// VerbControl carries a Request from stdin to the gateway of the container.
	VerbControl = "control"
	// VerbLaunch starts an app with secrets: see launch.
	VerbLaunch = "launch"
	// VerbPost posts to an app once, for a schedule: see postOnce.
	VerbPost = "post"
)

// Main is the program. It returns the exit status.
func Main(args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	if err := run(ctx, args, stdin, stdout, stderr); err != nil {
		fmt.Fprintf(stderr, "twofold: gateway: %v\n", err)
		return 1
	}
	return 0
}

func run(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) error {
	if len(args) == 0 {
		return errors.New("it is started by twofold deploy, and not by hand")
	}
	switch args[0] {
	case VerbServe:
		flags := flag.NewFlagSet(VerbServe, flag.ContinueOnError)
		flags.SetOutput(stderr)
		edge := flags.Bool(EdgeFlag[2:], false, "")
		if err := flags.Parse(args[1:]); err != nil {
			return err
		}
		return Serve(ctx, Options{Dir: Dir, Plain: Plain, TLS: TLS, Passed: Passed, Edge: *edge, Log: stderr})
	case VerbControl:
		return control(ctx, Dir, stdin, stdout)
	case VerbLaunch:
		return launch(args[1:])
	case VerbPost:
		return postOnce(ctx, args[1:])
	}
	return fmt.Errorf("there is no verb %q", args[0])
}

// Options are how a gateway is served.
type Options struct {
	Dir                string
	Plain, TLS, Passed int
	// Edge says that it listens at TLS and obtains certificates; it does not listen
	// at Passed then.
	Edge bool
	Log  io.Writer
	// Listen is net.Listen, or a test's.
	Listen func(network, address string) (net.Listener, error)
}

// grace is how long requests in flight hold up the end of a gateway.
const grace = 10 * time.Second

// Serve runs a gateway until the context ends.
func Serve(ctx context.Context, o Options) error {
	logger := log.New(o.Log, "", log.LstdFlags|log.LUTC)
	g, err := Open(o.Dir, schedule.Machine{}, logger)
	if err != nil {
		return err
	}
	defer g.Close()
	if o.Listen == nil {
		o.Listen = net.Listen
	}
	commands, err := listen(o.Dir)
	if err != nil {
		return fmt.Errorf("listen for commands: %w", err)
	}
	defer commands.Close()
	servers, err := g.servers(o, logger)
	if err != nil {
		return err
	}
	go g.take(commands)
	<-ctx.Done()
	// Whoever waits for an answer gets it.
	ending, cancel := context.WithTimeout(context.WithoutCancel(ctx), grace)
	defer cancel()
	var ended sync.WaitGroup
	ended.Go(func() { g.endQueues(ending) })
	for _, s := range servers {
		ended.Go(func() { s.Shutdown(ending) })
	}
	ended.Wait()
	return nil
}

func (g *Gateway) servers(o Options, logger *log.Logger) ([]*http.Server, error) {
	var list []*http.Server
	start := func(port int, h http.Handler, secure bool) error {
		l, err := o.Listen("tcp", fmt.Sprintf(":%d", port))
		if err != nil {
			return fmt.Errorf("listen at port %d: %w", port, err)
		}
		s := &http.Server{
			Handler: h, ErrorLog: logger, ReadHeaderTimeout: time.Minute, IdleTimeout: 3 * time.Minute,
			DisableGeneralOptionsHandler: true, // OPTIONS * is the app's to answer
			ConnContext:                  markPassed(port == o.Passed),
		}
		list = append(list, s)
		if !secure {
			go s.Serve(l)
			return nil
		}
		s.TLSConfig = g.tlsConfig()
		go s.ServeTLS(l, "", "")
		return nil
	}
	if o.Edge {
		if err := start(o.Plain, g.challenged(g), false); err != nil {
			return nil, err
		}
		return list, start(o.TLS, g, true)
	}
	if err := start(o.Plain, g, false); err != nil {
		return nil, err
	}
	return list, start(o.Passed, g, false)
}

// passedKey marks the connections at the port for gateways.
type passedKey struct{}

func markPassed(is bool) func(context.Context, net.Conn) context.Context {
	return func(ctx context.Context, _ net.Conn) context.Context {
		return context.WithValue(ctx, passedKey{}, is)
	}
}

// passed reports whether another gateway sent a request.
func passed(r *http.Request) bool {
	is, _ := r.Context().Value(passedKey{}).(bool)
	return is
}

func withoutPort(host string) string {
	if name, _, err := net.SplitHostPort(host); err == nil {
		return name
	}
	return host
}

// launch replaces this process by the app of a container, with secrets that lie in
// files as variables: docker inspect does not show them. The arguments are the
// folder of the files and the app's command.
func launch(args []string) error {
	if len(args) < 2 {
		return errors.New("launch has no command")
	}
	env, err := secretEnv(args[0], os.Environ())
	if err != nil {
		return err
	}
	return start(args[1], args[1:], env)
}

package kubernetes

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"

	"k8s.io/apimachinery/pkg/util/httpstream"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/remotecommand"
	"k8s.io/klog/v2"

	"github.com/twofoldhq/twofold/targets"
)

// attach carries what the command reads into it, and with a terminal also what it draws.
// It returns when the command has ended, or without a terminal at the end of the input.
func (c *carrier) attach(ctx context.Context, pod string) error {
	terminal := c.request.Terminal
	options := remotecommand.StreamOptions{Stdin: c.request.In}
	if terminal != nil {
		options.Stdout, options.Tty = c.printed.Out(), true
		options.TerminalSizeQueue = &sizes{ctx: ctx, terminal: terminal}
	}
	// The library writes to standard error what it tries next, which is the command's.
	klog.LogToStderr(false)
	klog.SetOutput(io.Discard)
	executor, err := c.attacher(pod, options)
	if err == nil {
		err = executor.StreamWithContext(ctx, options)
	}
	if err == nil || ctx.Err() != nil {
		return ctx.Err()
	}
	if ended, lookErr := c.hasEnded(ctx, pod); ended && lookErr == nil {
		return nil // It reads no more.
	}
	return c.explain(fmt.Errorf("attach to pod %s: %w", pod, err))
}

// attacher speaks the protocol of today's clusters, and what those before 1.30 and some
// proxies speak. Source: KEP-4006, "Transition from SPDY to WebSockets".
func (s *session) attacher(pod string, o remotecommand.StreamOptions) (remotecommand.Executor, error) {
	base, _, err := rest.DefaultServerUrlFor(s.config)
	if err != nil {
		return nil, err
	}
	u := base.JoinPath("api", "v1", "namespaces", s.namespace, "pods", pod, "attach")
	u.RawQuery = url.Values{
		"container": {"app"}, "tty": {strconv.FormatBool(o.Tty)},
		"stdin": {strconv.FormatBool(o.Stdin != nil)}, "stdout": {strconv.FormatBool(o.Stdout != nil)},
	}.Encode()
	websocket, err := remotecommand.NewWebSocketExecutor(s.config, http.MethodGet, u.String())
	if err != nil {
		return nil, err
	}
	spdy, err := remotecommand.NewSPDYExecutor(s.config, http.MethodPost, u)
	if err != nil {
		return nil, err
	}
	return remotecommand.NewFallbackExecutor(websocket, spdy, func(err error) bool {
		return httpstream.IsUpgradeFailure(err) || httpstream.IsHTTPSProxyError(err)
	})
}

func (s *session) hasEnded(ctx context.Context, pod string) (bool, error) {
	o, err := s.get(ctx, pods, pod)
	if err != nil || o == nil {
		return o == nil, err
	}
	phase := text(o.Object, "status", "phase")
	return phase == "Succeeded" || phase == "Failed", nil
}

// sizes are those of a terminal as the cluster asks for them.
type sizes struct {
	ctx      context.Context
	terminal *targets.Terminal
	asked    int
}

// Next implements remotecommand.TerminalSizeQueue. The first size is another than that
// of the terminal, so that the second makes a command draw again what it drew before it
// was attached to.
func (s *sizes) Next() *remotecommand.TerminalSize {
	size := s.terminal.Size
	switch s.asked++; s.asked {
	case 1:
		size.Columns++
	case 2:
	default:
		select {
		case size = <-s.terminal.Resized:
		case <-s.ctx.Done():
			return nil
		}
	}
	return &remotecommand.TerminalSize{Width: size.Columns, Height: size.Rows}
}

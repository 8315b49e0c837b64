package gateway

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"time"
)

// Request is one command to a gateway, as a line of JSON.
type Request struct {
	// Op is one of the operations below.
	Op   string `json:"op"`
	Name string `json:"name,omitempty"`
	// Route is for OpSet, ACME for OpACME.
	Route *Route `json:"route,omitempty"`
	ACME  *ACME  `json:"acme,omitempty"`
	// Silence is how long nothing may come from whoever asks until the command is given
	// up, as when he hangs up; 0 is for ever. He sends empty lines until then.
	Silence time.Duration `json:"silence,omitempty"`
	// Passwords are for OpSet: see Gateway.KeepPasswords. A Route names them only,
	// for it is seen from outside.
	Passwords map[string]string `json:"passwords,omitempty"`
}

// The operations of a gateway.
const (
	// OpSet makes the route Name be Route: see Gateway.Set.
	OpSet = "set"
	// OpRemove removes the route Name.
	OpRemove = "remove"
	// OpStatus says how the routes do.
	OpStatus = "status"
	// OpHold takes the lock Name, which whoever changes it holds until the
	// connection ends.
	OpHold = "hold"
	// OpCertify obtains the certificate of the host name Name, unless it is there.
	OpCertify = "certify"
	// OpACME says where certificates come from.
	OpACME = "acme"
)

// Reply is a line of the answer to a Request. The last one has Done.
type Reply struct {
	// Event is what happened before the end: one of the events below.
	Event string `json:"event,omitempty"`
	Text  string `json:"text,omitempty"`
	Done  bool   `json:"done,omitempty"`
	// Error says why it failed. Own says that the gateway itself did, and not what it
	// was told to serve.
	Error  string                 `json:"error,omitempty"`
	Own    bool                   `json:"own,omitempty"`
	Routes map[string]RouteStatus `json:"routes,omitempty"`
}

// The events of a Reply.
const (
	// EventSwitched: the new backends have all requests.
	EventSwitched = "switched"
	// EventWaiting: somebody else has the lock.
	EventWaiting = "waiting"
	// EventHeld: the lock is taken.
	EventHeld = "held"
)

const socketName = "control.sock"

// requestMax is the size in bytes that a request may have.
const requestMax = 1 << 20

// listen opens the socket for commands. One that a gateway before has left is
// replaced: there is one gateway a folder.
func listen(dir string) (net.Listener, error) {
	path := filepath.Join(dir, socketName)
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, err
	}
	l, err := net.Listen("unix", path)
	if err != nil {
		return nil, err
	}
	return l, os.Chmod(path, 0o600)
}

// take answers commands until the listener is closed.
func (g *Gateway) take(l net.Listener) {
	for {
		conn, err := l.Accept()
		if err != nil {
			return
		}
		go func() {
			defer conn.Close()
			g.answer(conn)
		}()
	}
}

// answer carries out one command. When the other side hangs up, it is given up.
func (g *Gateway) answer(conn net.Conn) {
	in := bufio.NewReader(io.LimitReader(conn, requestMax))
	line, err := in.ReadBytes('\n')
	if err != nil {
		return
	}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	out := json.NewEncoder(conn)
	var req Request
	last := Reply{Done: true}
	if err = json.Unmarshal(line, &req); err == nil {
		go func() {
			defer cancel()
			listenTo(conn, in, req.Silence)
		}()
		last.Routes, err = g.do(ctx, req, func(r Reply) { out.Encode(r) })
	}
	if err != nil {
		last.Error = err.Error()
		var own *stateError
		last.Own = errors.As(err, &own)
	}
	out.Encode(last)
}

// listenTo returns when the other side hangs up, or has been silent for too long: a
// network that was cut says nothing of it.
func listenTo(conn net.Conn, in io.Reader, silence time.Duration) {
	piece := make([]byte, 64)
	for {
		if silence > 0 {
			conn.SetReadDeadline(time.Now().Add(silence))
		}
		if _, err := in.Read(piece); err != nil {
			return
		}
	}
}

func (g *Gateway) do(ctx context.Context, req Request, say func(Reply)) (map[string]RouteStatus, error) {
	switch req.Op {
	case OpSet:
		if req.Route == nil {
			return nil, errors.New("set has no route")
		}
		if err := g.KeepPasswords(req.Passwords); err != nil {
			return nil, err
		}
		return nil, g.Set(ctx, req.Name, *req.Route, func() { say(Reply{Event: EventSwitched}) })
	case OpRemove:
		return nil, g.Remove(req.Name)
	case OpStatus:
		return g.Status(ctx), nil
	case OpCertify:
		return nil, g.Certify(ctx, req.Name)
	case OpACME:
		if req.ACME == nil {
			return nil, errors.New("acme has no authority")
		}
		return nil, g.SetACME(*req.ACME)
	case OpHold:
		release, err := g.locks.hold(ctx, req.Name, func() { say(Reply{Event: EventWaiting}) })
		if err != nil {
			return nil, err
		}
		defer release()
		say(Reply{Event: EventHeld})
		<-ctx.Done()
		return nil, nil
	}
	return nil, fmt.Errorf("there is no operation %q: this gateway is of another version of twofold", req.Op)
}

// control carries a command from stdin to the gateway of this container, and its
// answer to stdout. It ends with the answer, or when stdin does.
func control(ctx context.Context, dir string, stdin io.Reader, stdout io.Writer) error {
	conn, err := new(net.Dialer).DialContext(ctx, "unix", filepath.Join(dir, socketName))
	if err != nil {
		return fmt.Errorf("the gateway does not answer: %w", err)
	}
	defer conn.Close()
	go func() {
		io.Copy(conn, stdin)
		conn.(*net.UnixConn).CloseWrite()
	}()
	_, err = io.Copy(stdout, conn)
	return err
}

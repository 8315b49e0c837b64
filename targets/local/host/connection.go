package host

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"time"

	"github.com/twofoldhq/twofold/targets"
)

// connection is the client's side of the protocol.
type connection struct{ http *http.Client }

func dial(l Layout) connection {
	return connection{&http.Client{Transport: &http.Transport{
		DisableKeepAlives: true,
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			path, err := l.Socket()
			if err != nil {
				return nil, err
			}
			return new(net.Dialer).DialContext(ctx, "unix", path)
		},
	}}}
}

// helloLimit keeps a supervisor that is stopped, not dead, from blocking clients.
const helloLimit = 3 * time.Second

func (c connection) hello(ctx context.Context) (Hello, error) {
	ctx, cancel := context.WithTimeout(ctx, helloLimit)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://host/hello", nil)
	if err != nil {
		return Hello{}, err
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return Hello{}, err
	}
	defer resp.Body.Close()
	var h Hello
	return h, json.NewDecoder(resp.Body).Decode(&h)
}

func (c connection) post(ctx context.Context, path string, body any) (*http.Response, error) {
	text, err := json.Marshal(body)
	if err != nil {
		return nil, err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://host"+path, bytes.NewReader(text))
	if err != nil {
		return nil, err
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return nil, lost(ctx, err)
	}
	return resp, nil
}

// lost describes a supervisor that went away in the middle of a call.
func lost(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return fmt.Errorf("the local host went away (%w); run the command again", err)
}

func (c connection) call(ctx context.Context, path string, body, into any) error {
	resp, err := c.post(ctx, path, body)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		var w wireError
		if err := json.NewDecoder(resp.Body).Decode(&w); err != nil {
			return lost(ctx, err)
		}
		return w.error()
	}
	if into == nil {
		return nil
	}
	if err := json.NewDecoder(resp.Body).Decode(into); err != nil {
		return lost(ctx, err)
	}
	return nil
}

func (c connection) deploy(ctx context.Context, req DeployRequest, events func(targets.Event)) (st targets.Status, err error) {
	err = c.stream(ctx, "/deploy", req, func(m message) bool {
		switch {
		case m.Event != nil && events != nil:
			events(*m.Event)
		case m.Status != nil:
			st = *m.Status
			return true
		}
		return false
	})
	return st, err
}

func (c connection) run(ctx context.Context, req runRequest, out io.Writer, events func(targets.Event)) error {
	var failed error
	err := c.stream(ctx, "/run", req, func(m message) bool {
		switch {
		case m.Event != nil && events != nil:
			events(*m.Event)
		case m.Output != nil && failed == nil:
			_, failed = out.Write(m.Output)
		}
		return m.Ended
	})
	if err == nil && failed != nil {
		err = fmt.Errorf("write what the command printed: %w", failed)
	}
	return err
}

// stream calls the supervisor, and take with each message of its answer until one
// is the last, or an error.
func (c connection) stream(ctx context.Context, path string, req any, take func(message) (last bool)) error {
	resp, err := c.post(ctx, path, req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	lines := json.NewDecoder(resp.Body)
	for {
		var m message
		if err := lines.Decode(&m); err != nil {
			if errors.Is(err, io.EOF) {
				err = io.ErrUnexpectedEOF
			}
			return lost(ctx, err)
		}
		if m.Error != nil {
			return m.Error.error()
		}
		if take(m) {
			return nil
		}
	}
}

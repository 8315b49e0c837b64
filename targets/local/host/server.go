package host

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"sync"
	"time"

	"github.com/twofoldhq/twofold/release"
	"github.com/twofoldhq/twofold/targets"
)

// handler is the supervisor's side of the protocol.
func (s *supervisor) handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /hello", s.hello)
	mux.HandleFunc("POST /end", func(w http.ResponseWriter, r *http.Request) {
		if !s.ending() {
			s.logger.Print("ends, since a client asks for it")
		}
		s.end()
	})
	mux.HandleFunc("POST /deploy", s.serveDeploy)
	mux.HandleFunc("POST /run", s.serveRun)
	mux.HandleFunc("POST /exec", s.serveExec)
	mux.HandleFunc("POST /exec/input", s.serveInput)
	mux.HandleFunc("POST /exec/size", s.serveSize)
	mux.HandleFunc("POST /destroy", s.serveDestroy)
	mux.HandleFunc("POST /status", s.serveStatus)
	mux.HandleFunc("POST /invoke", s.serveInvoke)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.enter()
		defer s.leave()
		ctx, cancel := context.WithCancelCause(r.Context())
		defer cancel(nil)
		go func() {
			select {
			case <-s.quit:
				cancel(errEnding)
			case <-ctx.Done():
			}
		}()
		mux.ServeHTTP(w, r.WithContext(ctx))
	})
}

func (s *supervisor) hello(w http.ResponseWriter, r *http.Request) {
	reply(w, Hello{Protocol: protocol, Build: s.build, Pid: os.Getpid(), Ending: s.ending()}, nil)
}

// serveDeploy answers with one message a line: events, then a status or an error.
// The deploy is cancelled when the client goes away.
func (s *supervisor) serveDeploy(w http.ResponseWriter, r *http.Request) {
	var req DeployRequest
	if err := json.NewDecoder(r.Body).Decode(&req); err != nil {
		reply(w, nil, fmt.Errorf("read the request: %w", err))
		return
	}
	out := &messages{w: w}
	if err := req.check(); err != nil {
		out.send(message{Error: toWire(err)})
		return
	}
	d, done, err := s.open(req.Key, req.Target)
	if err != nil {
		out.send(message{Error: toWire(err)})
		return
	}
	defer done()
	who := fmt.Sprintf("the deploy started by process %d at %s", req.Pid, time.Now().Format(time.TimeOnly))
	say := func(e targets.Event) { out.send(message{Event: &e}) }
	if err := d.take(r.Context(), who, say); err != nil {
		out.send(message{Error: toWire(err)})
		return
	}
	st, err := d.deploy(r.Context(), req, say)
	d.give()
	if err != nil && context.Cause(r.Context()) == errEnding {
		err = errEnding
	}
	if err != nil {
		out.send(message{Error: toWire(err)})
		return
	}
	s.logger.Printf("deployed %s to %s: release %s, changed %t", req.Service, req.Target, req.Release, st.Changed)
	out.send(message{Status: &st})
}

// check returns what is wrong with a request before anything is looked at.
func (r *DeployRequest) check() error {
	if !validDigest(r.Release) || (r.Form != release.Image && r.Form != release.Bundle) {
		return fmt.Errorf("%q is no release of a known form", r.Release)
	}
	return r.Spec.Check()
}

// messages writes a stream of messages.
type messages struct {
	mu sync.Mutex
	w  http.ResponseWriter
}

func (m *messages) send(msg message) {
	m.mu.Lock()
	defer m.mu.Unlock()
	json.NewEncoder(m.w).Encode(msg)
	http.NewResponseController(m.w).Flush()
}

func (s *supervisor) serveDestroy(w http.ResponseWriter, r *http.Request) {
	var req keyRequest
	if !read(w, r, &req) {
		return
	}
	d, done, err := s.open(req.Key, req.Target)
	if err != nil {
		reply(w, nil, err)
		return
	}
	defer done()
	if err := d.take(r.Context(), "the destroy that is under way", func(targets.Event) {}); err != nil {
		reply(w, nil, err)
		return
	}
	existed, err := d.destroy()
	d.give()
	if existed {
		s.logger.Printf("destroyed %s on %s", req.Service, req.Target)
	}
	reply(w, destroyResult{existed}, err)
}

func (s *supervisor) serveStatus(w http.ResponseWriter, r *http.Request) {
	var req struct {
		targets.Filter
		Target string
	}
	if read(w, r, &req) {
		reply(w, s.status(req.Filter, req.Target), nil)
	}
}

func (s *supervisor) serveInvoke(w http.ResponseWriter, r *http.Request) {
	var req invokeRequest
	if !read(w, r, &req) {
		return
	}
	d, done, err := s.open(req.Key, req.Target)
	if err != nil {
		reply(w, nil, err)
		return
	}
	defer done()
	result, err := d.invoke(r.Context(), req.Event)
	reply(w, result, err)
}

func read(w http.ResponseWriter, r *http.Request, into any) bool {
	if err := json.NewDecoder(r.Body).Decode(into); err != nil {
		reply(w, nil, fmt.Errorf("read the request: %w", err))
		return false
	}
	return true
}

// reply answers with a value, or with a wireError and status 500.
func reply(w http.ResponseWriter, value any, err error) {
	w.Header().Set("Content-Type", "application/json")
	if err != nil {
		w.WriteHeader(http.StatusInternalServerError)
		value = toWire(err)
	}
	json.NewEncoder(w).Encode(value)
}

package gateway

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/twofoldhq/twofold/targets/queue"
	"github.com/twofoldhq/twofold/targets/schedule"
)

// Route is where requests go.
type Route struct {
	// Hosts are the host names that it takes; none is every name that no other
	// route takes.
	Hosts []string `json:"hosts,omitempty"`
	// Backends are the instances, as "host:port" in the gateway's networks.
	Backends []string `json:"backends"`
	// Revision is what the backends run, in the words of whoever sets the route.
	Revision string `json:"revision,omitempty"`
	// Note is whatever whoever sets the route wants to know again of it, and Before
	// are the revisions that served before, the newest last.
	Note   string   `json:"note,omitempty"`
	Before []string `json:"before,omitempty"`
	// Health is the path that answers 2xx when a backend is ready, and Start how
	// long that may take. An empty path means that accepting a connection is enough.
	Health string        `json:"health,omitempty"`
	Start  time.Duration `json:"start,omitempty"`
	// Timeout is how long a backend may take until it begins to answer; 0 is no
	// bound. It also bounds how long requests in flight hold up a switch.
	Timeout time.Duration `json:"timeout,omitempty"`
	// Schedules are posted to one of the backends.
	Schedules []schedule.Schedule `json:"schedules,omitempty"`
	// Queues are those whose messages are posted to the backends.
	Queues []queue.Queue `json:"queues,omitempty"`
	// TLS says that a certificate is obtained for the hosts, and that plain
	// requests for them are sent to https.
	TLS bool `json:"tls,omitempty"`
	// TLSPort is the port at which clients reach them over TLS; 0 is 443.
	TLSPort int `json:"tlsPort,omitempty"`
}

// state is what a gateway keeps on disk: its routes by name, how it obtains
// certificates, and the passwords of the queues by the names of their secrets.
type state struct {
	Routes    map[string]Route  `json:"routes"`
	ACME      ACME              `json:"acme"`
	Passwords map[string]string `json:"passwords,omitempty"`
}

// ACME is where certificates come from.
type ACME struct {
	// Directory is the URL of the certificate authority's directory; "" is Let's
	// Encrypt's.
	Directory string `json:"directory,omitempty"`
	// Email is whom the authority writes to; it may be "".
	Email string `json:"email,omitempty"`
	// Roots are certificates, in PEM, that the directory's own certificate is
	// checked with; "" is the usual ones.
	Roots string `json:"roots,omitempty"`
}

const stateName = "routes.json"

func readState(dir string) (state, error) {
	s := state{Routes: map[string]Route{}}
	text, err := os.ReadFile(filepath.Join(dir, stateName))
	if errors.Is(err, fs.ErrNotExist) {
		return s, nil
	}
	if err == nil {
		err = json.Unmarshal(text, &s)
	}
	if err != nil {
		return s, fmt.Errorf("read the routes: %w", err)
	}
	if s.Routes == nil {
		s.Routes = map[string]Route{}
	}
	return s, nil
}

// stateError is a gateway that cannot keep its routes.
type stateError struct{ err error }

func (e *stateError) Error() string { return fmt.Sprintf("keep the routes: %v", e.err) }
func (e *stateError) Unwrap() error { return e.err }

// write replaces what is on disk, and returns when it is safe there.
func (s state) write(dir string) error {
	text, err := json.MarshalIndent(s, "", "\t")
	if err != nil {
		return err
	}
	if err := replace(dir, stateName, text); err != nil {
		return &stateError{err}
	}
	return nil
}

func replace(dir, name string, content []byte) error {
	f, err := os.CreateTemp(dir, "."+name+"-*")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	_, err = f.Write(content)
	if err == nil {
		err = f.Sync()
	}
	if closeErr := f.Close(); err == nil {
		err = closeErr
	}
	if err == nil {
		err = os.Rename(f.Name(), filepath.Join(dir, name))
	}
	if err != nil {
		return err
	}
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer d.Close()
	return d.Sync()
}

//go:build linux

package main

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"strconv"
	"syscall"
	"time"
)

// The runtime API is described in the developer guide of AWS Lambda, "Using the
// Lambda runtime API for custom runtimes".
const apiPrefix = "/2018-06-01/runtime/"

// runtimeAPI is the client of the platform's runtime API.
type runtimeAPI struct {
	host    string
	family  int
	address syscall.Sockaddr
	conn    conn
	answer  response
	head    []byte
	next    []byte
}

// dialRuntimeAPI connects to the runtime API at host, a host and a port.
func dialRuntimeAPI(host string) (*runtimeAPI, error) {
	a := &runtimeAPI{host: host}
	a.next = startRequest(nil, host, "GET", apiPrefix, "invocation/next")
	a.next = append(a.next, "\r\n"...)
	if err := a.resolve(); err != nil {
		return nil, err
	}
	return a, a.connect()
}

// resolve finds the address of the host, which is an IP address on Lambda and may
// be a name elsewhere.
func (a *runtimeAPI) resolve() error {
	name, portText, err := net.SplitHostPort(a.host)
	if err != nil {
		return err
	}
	port, err := strconv.Atoi(portText)
	if err != nil || !isPort(port) {
		return errors.New("it has no port")
	}
	addr, err := netip.ParseAddr(name)
	if err != nil {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		all, err := net.DefaultResolver.LookupNetIP(ctx, "ip", name)
		if err != nil {
			return err
		}
		addr = all[0]
		for _, one := range all {
			if one.Unmap().Is4() {
				addr = one
				break
			}
		}
	}
	if addr = addr.Unmap(); addr.Is4() {
		a.family, a.address = syscall.AF_INET, &syscall.SockaddrInet4{Port: port, Addr: addr.As4()}
	} else {
		a.family, a.address = syscall.AF_INET6, &syscall.SockaddrInet6{Port: port, Addr: addr.As16()}
	}
	return nil
}

func (a *runtimeAPI) connect() error {
	return a.conn.connect(a.family, a.address, time.Time{})
}

// startRequest appends the beginning of a request to dst. The path comes in parts.
func startRequest(dst []byte, host, method string, path ...string) []byte {
	dst = append(dst, method...)
	dst = append(dst, ' ')
	for _, part := range path {
		dst = append(dst, part...)
	}
	dst = append(dst, " HTTP/1.1\r\nHost: "...)
	dst = append(dst, host...)
	return append(dst, "\r\nUser-Agent: twofold-adapter\r\n"...)
}

// exchange sends a request and reads the answer. A connection that the platform
// closed since its last use is opened again, once.
func (a *runtimeAPI) exchange(head, body []byte) error {
	fresh := !a.conn.open
	if fresh {
		if err := a.connect(); err != nil {
			return err
		}
	}
	a.answer.reset(false, 0)
	err := a.conn.exchange(head, body, &a.answer, time.Time{})
	if err == errNoAnswer && !fresh {
		if err = a.connect(); err == nil {
			a.answer.reset(false, 0)
			err = a.conn.exchange(head, body, &a.answer, time.Time{})
		}
	}
	return err
}

// nextInvocation waits for the next event, for as long as it takes.
func (a *runtimeAPI) nextInvocation(inv *invocation) error {
	if err := a.exchange(a.next, nil); err != nil {
		return err
	}
	if a.answer.status != 200 {
		return errors.New("invocation/next answered " + strconv.Itoa(a.answer.status))
	}
	*inv = invocation{
		id:    a.field("lambda-runtime-aws-request-id"),
		trace: a.field("lambda-runtime-trace-id"),
		arn:   a.field("lambda-runtime-invoked-function-arn"),

		clientContext:   a.field("lambda-runtime-client-context"),
		cognitoIdentity: a.field("lambda-runtime-cognito-identity"),
		tenantID:        a.field("lambda-runtime-aws-tenant-id"),

		event: a.answer.body(a.conn.buf),
	}
	if ms, err := strconv.ParseInt(a.field("lambda-runtime-deadline-ms"), 10, 64); err == nil && ms > 0 {
		// On the monotonic clock from here on.
		inv.deadline = time.Now().Add(time.Until(time.UnixMilli(ms)))
	}
	if inv.id == "" {
		return errors.New("invocation/next answered without a request id")
	}
	return nil
}

// field returns the value of a field of the answer, or "".
func (a *runtimeAPI) field(name string) string {
	for _, f := range a.answer.fields {
		if nameEqual(a.conn.buf[f.name:f.nameEnd], name) {
			return string(a.conn.buf[f.value:f.valueEnd])
		}
	}
	return ""
}

// respond hands over the answer to an invocation.
func (a *runtimeAPI) respond(id string, body []byte) error {
	a.head = startRequest(a.head[:0], a.host, "POST", apiPrefix, "invocation/", id, "/response")
	return a.post(body)
}

// fail reports that an invocation failed.
func (a *runtimeAPI) fail(id string, f *failure) error {
	a.head = startRequest(a.head[:0], a.host, "POST", apiPrefix, "invocation/", id, "/error")
	return a.postFailure(f)
}

// nextRestore returns when the environment goes on from its snapshot.
func (a *runtimeAPI) nextRestore() error {
	head := append(startRequest(nil, a.host, "GET", apiPrefix, "restore/next"), "\r\n"...)
	if err := a.exchange(head, nil); err != nil {
		return err
	}
	if a.answer.status != 200 {
		return errors.New("restore/next answered " + strconv.Itoa(a.answer.status))
	}
	return nil
}

// failRestore reports that the environment cannot go on from its snapshot.
func (a *runtimeAPI) failRestore(f *failure) error {
	a.head = startRequest(a.head[:0], a.host, "POST", apiPrefix, "restore/error")
	return a.postFailure(f)
}

// failInit reports that the function could not be started.
func (a *runtimeAPI) failInit(f *failure) error {
	a.head = startRequest(a.head[:0], a.host, "POST", apiPrefix, "init/error")
	return a.postFailure(f)
}

func (a *runtimeAPI) postFailure(f *failure) error {
	a.head = append(a.head, "Lambda-Runtime-Function-Error-Type: "...)
	a.head = append(a.head, f.headerType()...)
	a.head = append(a.head, "\r\n"...)
	return a.post(f.appendJSON(nil))
}

// post sends the request that a.head begins. The platform refuses an answer that
// it cannot take with a status in the 400s, and goes on: it has told the caller.
// 500 means that the runtime should end (runtime API, "Container error").
func (a *runtimeAPI) post(body []byte) error {
	a.head = append(a.head, "Content-Type: application/json\r\n"...)
	a.head = appendLength(a.head, len(body))
	if err := a.exchange(a.head, body); err != nil {
		return err
	}
	return a.judge()
}

// judge takes the status of an answer into account.
func (a *runtimeAPI) judge() error {
	switch status := a.answer.status; {
	case status >= 500:
		return errors.New("it answered " + strconv.Itoa(status))
	case status >= 300:
		complain("the runtime API refused an answer with status " + strconv.Itoa(status))
	}
	return nil
}

//go:build linux

package main

import "time"

// Lambda sends SIGTERM before it ends an environment only if an extension is
// registered there; otherwise the app is killed where it stands. So the adapter
// registers itself as an extension that takes no events (developer guide, "Lambda
// Extensions API", internal extensions; aws-lambda-go does the same where SIGTERM is
// asked for). It must happen before the first event is asked for.

const (
	extensionName = "twofold-adapter"
	// registerTimeout is how long the platform may take to register.
	registerTimeout = time.Second
)

// askForSIGTERM registers the extension. A platform that has no extensions answers
// with an error, and goes on without.
func askForSIGTERM(api *runtimeAPI) {
	x := &runtimeAPI{host: api.host, family: api.family, address: api.address}
	deadline := time.Now().Add(registerTimeout)
	if x.conn.connect(x.family, x.address, deadline) != nil {
		return
	}
	head := startRequest(nil, x.host, "POST", "/2020-01-01/extension/register")
	head = append(head, "Lambda-Extension-Name: "+extensionName+"\r\nContent-Type: application/json\r\n"...)
	body := []byte(`{"events":[]}`)
	x.answer.reset(false, 0)
	err := x.conn.exchange(appendLength(head, len(body)), body, &x.answer, deadline)
	if err != nil || x.answer.status != 200 {
		x.conn.close()
		return
	}
	id := x.field("lambda-extension-identifier")
	// The environment counts as started once each extension asks for its next event.
	// None ever comes.
	go func() {
		head := startRequest(nil, x.host, "GET", "/2020-01-01/extension/event/next")
		head = append(head, "Lambda-Extension-Identifier: "+id+"\r\n\r\n"...)
		_ = x.exchange(head, nil)
		x.conn.close()
	}()
}

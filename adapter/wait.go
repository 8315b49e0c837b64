//go:build linux

package main

import "time"

// wantedWait returns what the answer's Twofold-Wait asks for, or "".
func (l *loop) wantedWait() string {
	for _, f := range l.app.answer.fields {
		if f.kind == waitField {
			return string(l.app.conn.buf[f.value:f.valueEnd])
		}
	}
	return ""
}

// hold keeps the invocation open after its answer, so that the platform does not
// freeze the app while it works in the background: for a time, or until the app
// answers GET of a path. It ends with the invocation's deadline.
func (l *loop) hold(wanted string, deadline time.Time) {
	if wanted == "" {
		return
	}
	if isPath(wanted) {
		r := request{method: []byte("GET"), path: []byte(wanted)}
		r.head = append(startRequest(nil, "localhost", "GET", wanted), "\r\n"...)
		if f := l.app.do(&r, deadline); f != nil {
			complain("the work in the background at " + wanted + " did not end well: " + f.Error())
			l.mend(f)
		}
	} else if d, err := time.ParseDuration(wanted); err == nil && d > 0 {
		if !deadline.IsZero() {
			d = min(d, time.Until(deadline))
		}
		pause(l.app.process, d)
	} else {
		complain(`Twofold-Wait is neither a duration such as "10s" nor a path`)
	}
	l.app.process.output.flush()
}

//go:build linux

package main

import "time"

// restore lets the platform take its snapshot of the environment, and returns when the
// environment goes on from it, perhaps much later and as one of many ("Using the Lambda
// runtime API for custom runtimes" and "Implement code before or after Lambda function
// snapshots", developer guide of AWS Lambda). The app has been told before, and is told
// after, if it has paths for that: it gives up connections before, and makes random
// seeds and credentials anew after.
func (l *loop) restore() *failure {
	// No connection outlives the snapshot.
	l.app.conn.close()
	if err := l.api.nextRestore(); err != nil {
		return &failure{kind: notRestored, message: "the runtime API did not say that the environment goes on: " + err.Error()}
	}
	l.app.conn.close()
	l.secrets.expire()
	l.secrets.refresh(l.app, time.Now().Add(restoreTimeout))
	return l.tell(l.app.settings.restorePath)
}

// restoreTimeout is how long the work before or after a snapshot may take: Lambda gives
// it 10 s.
const restoreTimeout = 9500 * time.Millisecond

// tell posts to a path of the app, if it is set, and fails unless the answer is 2xx.
func (l *loop) tell(path string) *failure {
	if path == "" {
		return nil
	}
	r := request{method: []byte("POST"), path: []byte(path)}
	r.head = appendLength(startRequest(nil, "localhost", "POST", path), 0)
	f := l.app.do(&r, time.Now().Add(restoreTimeout))
	if f == nil && (l.app.answer.status < 200 || l.app.answer.status > 299) {
		f = eventFailure(notRestored, &r, &l.app.answer, l.app.conn.buf, l.app.process.output.lines())
	}
	l.app.process.output.flush()
	return f
}

// failRestore reports that the environment cannot go on from its snapshot, and returns
// the exit code.
func failRestore(api *runtimeAPI, f *failure) int {
	complain(f.Error())
	if err := api.failRestore(f); err != nil {
		complain("the failure could not be reported to the runtime API: " + err.Error())
	}
	return 1
}

//go:build linux

package main

import (
	"encoding/base64"
	"errors"
	"strconv"
	"syscall"
	"time"
)

const (
	// streamBuffer is how much of a streamed answer is read at a time.
	streamBuffer = 64 << 10
	// maxHeldBack is how much of a streamed answer is kept while the request is still
	// being sent. An app that has sent more does not want the rest of the request.
	maxHeldBack = 8 << 20
	// maxTrailer bounds the JSON of an error in a trailer: servers in Go read no more
	// than 4 KB of trailers, and it goes as base64.
	maxTrailer = 2600
	// lateAnswer is how long the platform may take to say why it takes no more.
	lateAnswer = time.Second
)

var errPlatformGone = errors.New("the platform takes no more of the answer")

// streamed reports whether the answer to a request from there is streamed. HTTP APIs
// and load balancers cannot take one.
func (s *settings) streamed(from source) bool {
	return s.stream && (from == functionURL || from == restAPI)
}

// stream hands over the answer whose head has been read, each piece of the body as
// it comes. What fails is reported in trailers, for the status has been sent.
func (l *loop) stream(inv *invocation, deadline time.Time) error {
	from, to := &l.app.conn, &l.api.conn
	answer := &l.app.answer
	l.out = l.appendStreamHead(l.out[:0], inv.id, l.appendPrelude(nil))
	wait := l.wantedWait()
	if !to.usable() {
		if err := l.api.connect(); err != nil {
			return err
		}
	}
	err := to.sendAll([3][]byte{l.out}, deadline)
	if err == nil {
		err = l.copyBody(deadline)
	}
	switch {
	case err == nil:
		if !answer.reuse {
			from.close()
		}
		from.last = time.Now()
		l.app.process.output.flush()
		if err := l.endStream([]byte("0\r\n\r\n")); err != nil {
			return err
		}
		l.hold(wait, deadline)
		return nil
	case err == errPlatformGone:
		from.close()
		complain("the answer to " + l.what() + " was broken off: " + err.Error())
		return l.platformGone()
	}
	from.close()
	if err == errSlowPlatform {
		// A chunk is half sent: only the end of the connection can say that it failed.
		to.close()
		complain("the answer to " + l.what() + " was broken off: " + err.Error())
		return nil
	}
	f := l.app.explain(&l.request, err, deadline)
	complain(f.Error())
	l.app.process.output.flush()
	err = l.endStream(f.appendTrailers(nil))
	to.close()
	if err == nil {
		l.mend(f)
	}
	return err
}

var errSlowPlatform = errors.New("the platform did not take it before the function's timeout")

// copyBody sends the body piece by piece. It watches the platform meanwhile, so that
// an app that answers for ever is not read for nobody.
func (l *loop) copyBody(deadline time.Time) error {
	from, to := &l.app.conn, &l.api.conn
	answer := &l.app.answer
	var size []byte
	for {
		if body := answer.body(from.buf); len(body) > 0 {
			size = append(strconv.AppendInt(size[:0], int64(len(body)), 16), "\r\n"...)
			if err := to.sendAll([3][]byte{size, body, []byte("\r\n")}, deadline); err != nil {
				return err
			}
		}
		if answer.state == complete {
			return nil
		}
		from.n = answer.drop(from.buf[:from.n])
		p := [2]pollFD{{fd: int32(from.fd), events: pollIn}, {fd: int32(to.fd), events: pollIn}}
		if err := pollFDs(p[:], deadline); err != nil {
			return err
		}
		if p[1].revents != 0 {
			return errPlatformGone
		}
		n, err := from.receive(from.room(answer), syscall.MSG_DONTWAIT)
		if err == syscall.EAGAIN || err == syscall.EINTR {
			continue
		}
		if _, err := from.received(n, err, answer); err != nil {
			return err
		}
	}
}

// sendAll sends the parts. It fails if the other side answers, or closes the
// connection, before that.
func (c *conn) sendAll(parts [3][]byte, deadline time.Time) error {
	for len(parts[0])+len(parts[1])+len(parts[2]) > 0 {
		n, err := c.send(parts)
		if err == syscall.EAGAIN {
			p := [1]pollFD{{fd: int32(c.fd), events: pollIn | pollOut}}
			if err := pollFDs(p[:], deadline); err != nil {
				return errSlowPlatform
			}
			if p[0].revents&^pollOut != 0 {
				return errPlatformGone
			}
			continue
		}
		if err != nil {
			return errPlatformGone
		}
		for i := range parts {
			k := min(n, len(parts[i]))
			parts[i], n = parts[i][k:], n-k
		}
	}
	return nil
}

// endStream sends the last chunk, and takes the platform's word for the whole.
func (l *loop) endStream(last []byte) error {
	if l.api.conn.sendAll([3][]byte{last}, noDeadline) != nil {
		return l.platformGone()
	}
	return l.api.streamAnswer(noDeadline)
}

// platformGone reads what the platform has to say, if anything, after it has stopped
// to take the answer.
func (l *loop) platformGone() error {
	err := l.api.streamAnswer(time.Now().Add(lateAnswer))
	l.api.conn.close()
	if l.api.answer.status >= 500 {
		return err
	}
	return nil
}

// streamAnswer reads the answer to a streamed response.
func (a *runtimeAPI) streamAnswer(deadline time.Time) error {
	a.answer.reset(false, 0)
	a.conn.n = 0
	err := a.conn.readRest(&a.answer, deadline)
	if err != nil || !a.answer.reuse {
		a.conn.close()
	}
	a.conn.last = time.Now()
	if err != nil {
		return err
	}
	return a.judge()
}

// appendPrelude appends the JSON that stands for the answer's head.
func (l *loop) appendPrelude(dst []byte) []byte {
	answer := &l.app.answer
	dst = append(dst, `{"statusCode":`...)
	dst = strconv.AppendInt(dst, int64(answer.status), 10)
	dst, _ = answer.appendHead(dst, l.app.conn.buf, l.request.source)
	return append(dst, '}')
}

// appendStreamHead appends the head of the response and the first chunk, which is the
// prelude and eight NULs.
func (l *loop) appendStreamHead(dst []byte, id string, prelude []byte) []byte {
	dst = startRequest(dst, l.api.host, "POST", apiPrefix, "invocation/", id, "/response")
	dst = append(dst, "Content-Type: application/vnd.awslambda.http-integration-response\r\n"+
		"Lambda-Runtime-Function-Response-Mode: streaming\r\n"+
		"Transfer-Encoding: chunked\r\n"+
		"Trailer: Lambda-Runtime-Function-Error-Type, Lambda-Runtime-Function-Error-Body\r\n\r\n"...)
	dst = strconv.AppendInt(dst, int64(len(prelude)+8), 16)
	dst = append(dst, "\r\n"...)
	dst = append(dst, prelude...)
	return append(dst, "\x00\x00\x00\x00\x00\x00\x00\x00\r\n"...)
}

// appendTrailers appends the end of a chunked body that failed.
func (f *failure) appendTrailers(dst []byte) []byte {
	short := *f
	body := short.appendJSON(nil)
	for len(body) > maxTrailer && len(short.output) > 0 {
		short.output = short.output[1:]
		body = short.appendJSON(nil)
	}
	for len(body) > maxTrailer {
		short.message = short.message[:len(short.message)/2]
		body = short.appendJSON(nil)
	}
	dst = append(dst, "0\r\nLambda-Runtime-Function-Error-Type: "...)
	dst = append(dst, f.headerType()...)
	dst = append(dst, "\r\nLambda-Runtime-Function-Error-Body: "...)
	dst = base64.StdEncoding.AppendEncode(dst, body)
	return append(dst, "\r\n\r\n"...)
}

// what names the request in messages.
func (l *loop) what() string { return string(l.request.method) + " " + string(l.request.path) }

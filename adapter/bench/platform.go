package main

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"time"
)

// platform is a fake runtime API that hands over one event at a time. It is
// written on plain connections, so that its own cost is small beside what is
// measured, and the same for all sides.
type platform struct {
	listener net.Listener
	// waiting receives the moment of each call of next.
	waiting chan time.Time
	events  chan []byte
	answers chan answer
}

type answer struct {
	body []byte
	at   time.Time
}

func newPlatform() (*platform, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	p := &platform{listener: l, waiting: make(chan time.Time, 1), events: make(chan []byte), answers: make(chan answer, 1)}
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go p.serve(c)
		}
	}()
	return p, nil
}

func (p *platform) address() string { return p.listener.Addr().String() }

func (p *platform) close() { p.listener.Close() }

func (p *platform) serve(c net.Conn) {
	defer c.Close()
	in := bufio.NewReaderSize(c, 64<<10)
	for {
		r, err := http.ReadRequest(in)
		if err != nil {
			return
		}
		if strings.HasPrefix(r.URL.Path, "/2020-01-01/extension/") {
			if r.Method == http.MethodGet { // The next event of an extension's life is its end.
				in.Peek(1)
				return
			}
			io.Copy(io.Discard, r.Body)
			io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nLambda-Extension-Identifier: bench\r\nContent-Length: 2\r\n\r\n{}")
			continue
		}
		if r.Method == http.MethodGet {
			p.waiting <- time.Now()
			event, ok := <-p.events
			if !ok {
				return
			}
			head := fmt.Appendf(nil, "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nLambda-Runtime-Aws-Request-Id: 8476a536-e9f4-11e8-9739-2dfe598c3fcd\r\n"+
				"Lambda-Runtime-Deadline-Ms: %d\r\nLambda-Runtime-Invoked-Function-Arn: arn:aws:lambda:eu-west-1:123456789012:function:bench\r\n"+
				"Lambda-Runtime-Trace-Id: Root=1-5bef4de7-ad49b0e87f6ef6c87fc2e700;Parent=9a9197af755a6419;Sampled=1\r\nContent-Length: %d\r\n\r\n",
				time.Now().Add(30*time.Second).UnixMilli(), len(event))
			if _, err := (&net.Buffers{head, event}).WriteTo(c); err != nil {
				return
			}
			continue
		}
		var body bytes.Buffer
		body.Grow(int(max(r.ContentLength, 0)) + bytes.MinRead)
		if _, err := body.ReadFrom(r.Body); err != nil {
			return
		}
		at := time.Now()
		if !strings.HasSuffix(r.URL.Path, "/response") {
			io.WriteString(c, "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n")
			continue
		}
		if _, err := io.WriteString(c, "HTTP/1.1 202 Accepted\r\nContent-Type: application/json\r\nContent-Length: 16\r\n\r\n{\"status\":\"OK\"}\n"); err != nil {
			return
		}
		p.answers <- answer{body.Bytes(), at}
	}
}

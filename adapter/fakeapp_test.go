//go:build linux

package main

import (
	"bufio"
	"bytes"
	"cmp"
	"compress/gzip"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

// runFakeApp is an app of that kind, on $PORT. It returns the exit code.
func runFakeApp(kind string) int {
	switch kind {
	case "http":
		return serveHTTP()
	case "raw":
		return serveRaw()
	case "exits":
		for i := range 30 {
			fmt.Println("line", i)
		}
		fmt.Fprintln(os.Stderr, "cannot read the config")
		return 3
	case "never-listens":
		fmt.Println("waiting for the database")
		select {}
	case "never-ready":
		listen(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			fmt.Println("not yet")
			w.WriteHeader(http.StatusServiceUnavailable)
		}))
	case "ready-at-tenth":
		n := 0
		listen(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if n++; n < 10 {
				http.NotFound(w, r)
			}
		}))
	}
	return 1
}

func listen(h http.Handler) {
	if err := http.ListenAndServe(":"+os.Getenv("PORT"), h); err != nil {
		fmt.Println(err)
		os.Exit(9)
	}
}

// seen is a request as the fake app saw it.
type seen struct {
	Method, Target, Host, Proto string
	Header                      http.Header
	Body                        []byte
	Length                      int64
}

func serveHTTP() int {
	mux := http.NewServeMux()
	ticks := make(chan os.Signal, 3)
	meeting := make(chan struct{})
	signal.Notify(ticks, syscall.SIGUSR1)
	server := &http.Server{Addr: ":" + os.Getenv("PORT"), Handler: mux}
	mux.HandleFunc("/healthz", func(w http.ResponseWriter, r *http.Request) {})
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		json.NewEncoder(w).Encode(seen{r.Method, r.RequestURI, r.Host, r.Proto, r.Header, body, r.ContentLength})
	})
	mux.HandleFunc("/env", func(w http.ResponseWriter, r *http.Request) {
		dir, _ := os.Getwd()
		json.NewEncoder(w).Encode(append(os.Environ(), "CWD="+dir))
	})
	mux.HandleFunc("/pid", func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, os.Getpid()) })
	mux.HandleFunc("/body", func(w http.ResponseWriter, r *http.Request) {
		n, _ := strconv.Atoi(r.FormValue("n"))
		b := []byte(strings.Repeat("0123456789", n/10+1)[:n])
		if r.FormValue("binary") != "" {
			b = bytes.ReplaceAll(b, []byte("9"), []byte{0xff})
		}
		if r.FormValue("chunked") != "" {
			for ; len(b) > 0; b = b[min(len(b), 777):] {
				w.Write(b[:min(len(b), 777)])
				w.(http.Flusher).Flush()
			}
			return
		}
		w.Header().Set("Content-Length", strconv.Itoa(n))
		w.Write(b)
	})
	mux.HandleFunc("/many", func(w http.ResponseWriter, r *http.Request) {
		piece := []byte(strings.Repeat("0123456789abcdef", 64<<10))
		for n, _ := strconv.Atoi(r.FormValue("mb")); n > 0; n-- {
			w.Write(piece)
		}
	})
	mux.HandleFunc("/status", func(w http.ResponseWriter, r *http.Request) {
		status, _ := strconv.Atoi(r.FormValue("is"))
		w.Header().Set("Etag", `"a"`)
		w.WriteHeader(status)
	})
	mux.HandleFunc("/gzip", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Encoding", "gzip")
		w.Header().Set("Content-Type", "text/plain")
		packed := gzip.NewWriter(w)
		io.WriteString(packed, "some text")
		packed.Close()
	})
	mux.HandleFunc("/echo", func(w http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		w.Header().Set("Content-Type", "application/octet-stream")
		w.Write(b)
	})
	mux.HandleFunc("/stream-echo", func(w http.ResponseWriter, r *http.Request) {
		http.NewResponseController(w).EnableFullDuplex()
		w.WriteHeader(200)
		w.(http.Flusher).Flush()
		io.Copy(w, r.Body)
	})
	mux.HandleFunc("/ticks", func(w http.ResponseWriter, r *http.Request) {
		// The next tick is written when /tick was asked for.
		w.Header().Set("Content-Type", "text/event-stream")
		http.SetCookie(w, &http.Cookie{Name: "a", Value: "1"})
		for i := range 3 {
			fmt.Fprintf(w, "data: %d\n\n", i)
			w.(http.Flusher).Flush()
			<-ticks
		}
		switch r.FormValue("then") {
		case "exit":
			fmt.Fprintln(os.Stderr, "panic: no more ticks")
			os.Exit(7)
		case "hang":
			select {}
		}
	})
	mux.HandleFunc("/print-event", func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		h := r.Header.Get
		fmt.Println(h("Twofold-Event-Kind"), h("Twofold-Message-Id"), h("Twofold-Partition-Key"), h("Twofold-Sequence-Number"), h("Content-Type"), string(body))
		if strings.Contains(string(body), "refuse") {
			w.WriteHeader(http.StatusInternalServerError)
		}
	})
	mux.HandleFunc("/meet", func(w http.ResponseWriter, r *http.Request) {
		// Both requests are here before one of them is answered.
		if r.FormValue("who") == "first" {
			<-meeting
			return
		}
		meeting <- struct{}{}
	})
	mux.HandleFunc("/before", func(w http.ResponseWriter, r *http.Request) { fmt.Println(r.Method, "before the snapshot") })
	mux.HandleFunc("/after", func(w http.ResponseWriter, r *http.Request) { fmt.Println(r.Method, "after the snapshot") })
	mux.HandleFunc("/fails", func(w http.ResponseWriter, r *http.Request) {
		http.Error(w, "no entropy", http.StatusInternalServerError)
	})
	mux.HandleFunc("/works", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Twofold-Wait", cmp.Or(r.FormValue("wait"), "/background"))
		io.WriteString(w, "later")
	})
	mux.HandleFunc("/background", func(w http.ResponseWriter, r *http.Request) { fmt.Println("background ends") })
	mux.HandleFunc("/early", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Connection", "close")
		w.WriteHeader(http.StatusRequestEntityTooLarge)
		io.WriteString(w, "too much")
	})
	mux.HandleFunc("/exit", func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintln(os.Stderr, "panic: no more")
		os.Exit(7)
	})
	mux.HandleFunc("/kill", func(w http.ResponseWriter, r *http.Request) {
		syscall.Kill(os.Getpid(), syscall.SIGKILL)
		select {}
	})
	mux.HandleFunc("/exit-after", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Connection", "close")
		io.WriteString(w, "bye")
		w.(http.Flusher).Flush()
		go os.Exit(0)
	})
	mux.HandleFunc("/hang", func(w http.ResponseWriter, r *http.Request) {
		fmt.Println("thinking about it")
		select {}
	})
	mux.HandleFunc("/print", func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprint(os.Stdout, r.FormValue("out"))
		fmt.Fprint(os.Stderr, r.FormValue("err"))
	})
	mux.HandleFunc("/events", func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		switch s := string(body); {
		case strings.Contains(s, "refuse"):
			http.Error(w, "the order is unknown", http.StatusUnprocessableEntity)
		case strings.Contains(s, "json"):
			json.NewEncoder(w).Encode(seen{r.Method, r.RequestURI, r.Host, r.Proto, r.Header, body, r.ContentLength})
		default:
			io.WriteString(w, "done\n")
		}
	})
	mux.HandleFunc("/terms", func(w http.ResponseWriter, r *http.Request) {
		c := make(chan os.Signal, 1)
		signal.Notify(c, syscall.SIGTERM)
		go func() {
			<-c
			fmt.Println("stopping")
			if r.FormValue("stubborn") == "" {
				os.Exit(0)
			}
		}()
	})
	mux.HandleFunc("/wait-for-term", func(w http.ResponseWriter, r *http.Request) {
		c := make(chan os.Signal, 1)
		signal.Notify(c, syscall.SIGTERM)
		fmt.Println("waiting")
		<-c
		io.WriteString(w, "finished")
		go func() {
			server.Shutdown(context.Background())
			os.Exit(0)
		}()
	})
	if err := server.ListenAndServe(); err != http.ErrServerClosed {
		fmt.Println(err)
		return 9
	}
	select {} // until Shutdown is done
}

// serveRaw answers with the bytes of files: a request for /NAME gets the content
// of the file NAME in the working directory, word for word. After the answer it
// does what the query says.
func serveRaw() int {
	l, err := net.Listen("tcp", ":"+os.Getenv("PORT"))
	if err != nil {
		fmt.Println(err)
		return 9
	}
	for {
		c, err := l.Accept()
		if err != nil {
			return 1
		}
		go rawConnection(c)
	}
}

func rawConnection(c net.Conn) {
	defer c.Close()
	b := bufio.NewReader(c)
	for n := 1; ; n++ {
		r, err := http.ReadRequest(b)
		if err != nil {
			return
		}
		if r.URL.Path == "/healthz" {
			io.WriteString(c, "HTTP/1.1 204 No Content\r\n\r\n")
			continue
		}
		if r.URL.Query().Has("unread") {
			io.WriteString(c, "HTTP/1.1 413 Payload Too Large\r\nContent-Length: 2\r\n\r\nno")
			select {} // and the rest of the request is never read
		}
		io.Copy(io.Discard, r.Body)
		fmt.Println("request", n, r.Method, r.RequestURI)
		if r.URL.Query().Has("drop-used") && n > 1 {
			return
		}
		answer, err := os.ReadFile(filepath.Base(r.URL.Path))
		if err != nil {
			answer = []byte("HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n")
		}
		if r.URL.Query().Has("slowly") {
			for _, one := range answer {
				c.Write([]byte{one})
			}
		} else {
			c.Write(answer)
		}
		if r.URL.Query().Has("close") {
			c.Close()
			fmt.Println("closed", r.RequestURI)
			return
		}
	}
}

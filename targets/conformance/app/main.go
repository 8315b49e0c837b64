// Command app is the service that the conformance suite deploys. What it does is
// set by its environment, so that one compile is enough for all releases.
//
//	APP_VERSION   what GET /version answers
//	APP_BROKEN    never gets ready
//	APP_CRASH     exits as it starts
//	APP_READY     becomes ready when this file exists
//
// With arguments it is a command that runs once:
//
//	show NAME     prints the version and a variable
//	read FILE     prints the content of a file
//	fail          prints a line and exits with status 3
//	wait          prints a line and ends when it is told to
//	copy          prints what it reads, and on standard error how much that was
//	screen        prints the size of its terminal, also when that changes, and its TERM
//	              with each line that it reads; ends at the line "end" with status 4
package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/signal"
	"strconv"
	"syscall"
	"time"
)

func main() {
	if len(os.Args) > 1 {
		os.Exit(runOnce(os.Args[1:]))
	}
	fmt.Println("app", os.Getenv("APP_VERSION"), "starts")
	if os.Getenv("APP_CRASH") != "" {
		fmt.Fprintln(os.Stderr, "app cannot start: APP_CRASH is set")
		os.Exit(3)
	}
	http.HandleFunc("/healthz", health)
	http.HandleFunc("/version", func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, os.Getenv("APP_VERSION"))
	})
	http.HandleFunc("/pid", func(w http.ResponseWriter, r *http.Request) {
		started, _ := os.Stat("/proc/self")
		fmt.Fprintf(w, "%d-%d", os.Getpid(), started.ModTime().UnixNano())
	})
	http.HandleFunc("/env", func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, os.Getenv(r.FormValue("name")))
	})
	http.HandleFunc("/print", func(w http.ResponseWriter, r *http.Request) {
		fmt.Println(r.FormValue("text"))
	})
	http.HandleFunc("/slow", func(w http.ResponseWriter, r *http.Request) {
		ms, _ := strconv.Atoi(r.FormValue("ms"))
		time.Sleep(time.Duration(ms) * time.Millisecond)
		io.WriteString(w, os.Getenv("APP_VERSION"))
	})
	http.HandleFunc("/exit", func(w http.ResponseWriter, r *http.Request) {
		fmt.Println("app was told to exit")
		os.Exit(7)
	})
	http.HandleFunc("/request", describe)
	http.HandleFunc("/file", file)
	http.HandleFunc("POST /tick", func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		fmt.Println("app was fired with", r.Header.Get("Content-Type"), string(body))
	})
	http.HandleFunc("/events", func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		fmt.Println("app got an event of", len(body), "bytes")
		w.Write(body)
	})

	stop := make(chan os.Signal, 1)
	signal.Notify(stop, syscall.SIGTERM)
	go func() {
		<-stop
		fmt.Println("app", os.Getenv("APP_VERSION"), "stops")
		os.Exit(0)
	}()
	fmt.Fprintln(os.Stderr, http.ListenAndServe(":"+os.Getenv("PORT"), nil))
	os.Exit(1)
}

// runOnce is the app as a command that runs once.
func runOnce(args []string) int {
	switch args[0] {
	case "show":
		fmt.Println("app", os.Getenv("APP_VERSION"), "shows", os.Getenv(args[1]))
	case "read":
		text, err := os.ReadFile(args[1])
		fmt.Print("app reads ", string(text), "\n")
		if err != nil {
			fmt.Println(err)
			return 1
		}
	case "fail":
		fmt.Println("app fails")
		return 3
	case "wait":
		stop := make(chan os.Signal, 1)
		signal.Notify(stop, syscall.SIGTERM)
		fmt.Println("app waits")
		<-stop
		return 1
	case "copy":
		fmt.Println("app copies")
		n, err := io.Copy(os.Stdout, os.Stdin)
		fmt.Fprintln(os.Stderr, "app copied", n)
		if err != nil {
			return 1
		}
	case "screen":
		return screen()
	}
	return 0
}

// file writes a file on PUT, and reads it otherwise.
func file(w http.ResponseWriter, r *http.Request) {
	name := r.FormValue("name")
	if r.Method == http.MethodPut {
		if err := os.WriteFile(name, []byte(r.FormValue("text")), 0o644); err != nil {
			http.Error(w, err.Error(), http.StatusConflict)
		}
		return
	}
	text, err := os.ReadFile(name)
	if err != nil {
		http.Error(w, err.Error(), http.StatusNotFound)
		return
	}
	w.Write(text)
}

func health(w http.ResponseWriter, r *http.Request) {
	ready := os.Getenv("APP_BROKEN") == ""
	if file := os.Getenv("APP_READY"); file != "" {
		_, err := os.Stat(file)
		ready = err == nil
	}
	if !ready {
		fmt.Println("app is not ready")
		w.WriteHeader(http.StatusServiceUnavailable)
	}
}

// describe answers with what arrived of a request.
func describe(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	json.NewEncoder(w).Encode(map[string]any{
		"method": r.Method, "target": r.RequestURI, "host": r.Host, "header": r.Header, "body": len(body),
	})
}

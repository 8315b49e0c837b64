// Command proxy is an adapter as one writes it with net/http, encoding/json and
// httputil.ReverseProxy's kind of transport: the benchmark's third side.
package main

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"io"
	"log"
	"net/http"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"syscall"
	"time"
	"unicode/utf8"

	"github.com/aws/aws-lambda-go/events"
)

func main() {
	app := exec.Command(os.Getenv("APP"))
	app.Env = os.Environ()
	app.Stdout, app.Stderr = os.Stdout, os.Stderr
	runtime.LockOSThread() // the kernel ends the app with this thread
	app.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := app.Start(); err != nil {
		log.Fatal(err)
	}
	runtime.UnlockOSThread()
	base := "http://127.0.0.1:" + os.Getenv("PORT")
	for {
		if res, err := http.Get(base + "/healthz"); err == nil {
			res.Body.Close()
			if res.StatusCode == http.StatusOK {
				break
			}
		}
		time.Sleep(10 * time.Millisecond)
	}
	api := "http://" + os.Getenv("AWS_LAMBDA_RUNTIME_API") + "/2018-06-01/runtime/invocation/"
	for {
		if err := serve(api, base); err != nil {
			app.Process.Kill()
			log.Fatal(err)
		}
	}
}

// serve takes one event and posts its answer.
func serve(api, base string) error {
	res, err := http.Get(api + "next")
	if err != nil {
		return err
	}
	defer res.Body.Close()
	var e events.APIGatewayV2HTTPRequest
	if err := json.NewDecoder(res.Body).Decode(&e); err != nil {
		return err
	}
	answer, err := forward(base, &e)
	if err != nil {
		return err
	}
	data, err := json.Marshal(answer)
	if err != nil {
		return err
	}
	post, err := http.Post(api+res.Header.Get("Lambda-Runtime-Aws-Request-Id")+"/response", "application/json", bytes.NewReader(data))
	if err != nil {
		return err
	}
	defer post.Body.Close()
	_, err = io.Copy(io.Discard, post.Body)
	return err
}

func forward(base string, e *events.APIGatewayV2HTTPRequest) (*events.APIGatewayV2HTTPResponse, error) {
	body := []byte(e.Body)
	if e.IsBase64Encoded {
		var err error
		if body, err = base64.StdEncoding.DecodeString(e.Body); err != nil {
			return nil, err
		}
	}
	req, err := http.NewRequest(e.RequestContext.HTTP.Method, base+e.RawPath+"?"+e.RawQueryString, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	for k, v := range e.Headers {
		req.Header.Set(k, v)
	}
	if len(e.Cookies) > 0 {
		req.Header.Set("Cookie", strings.Join(e.Cookies, "; "))
	}
	req.Host = e.Headers["host"]
	res, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	data, err := io.ReadAll(res.Body)
	if err != nil {
		return nil, err
	}
	out := &events.APIGatewayV2HTTPResponse{StatusCode: res.StatusCode, Headers: map[string]string{}, Cookies: res.Header["Set-Cookie"]}
	for k, v := range res.Header {
		out.Headers[k] = strings.Join(v, ", ")
	}
	if utf8.Valid(data) {
		out.Body = string(data)
	} else {
		out.Body, out.IsBase64Encoded = base64.StdEncoding.EncodeToString(data), true
	}
	return out, nil
}

package function

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
)

var (
	jsonType = []string{"application/json"}
	okBody   = []byte("{\"status\":\"OK\"}\n")
)

func accept(w http.ResponseWriter) {
	w.Header()["Content-Type"] = jsonType
	w.WriteHeader(http.StatusAccepted)
	_, _ = w.Write(okBody)
}

func forbidden(w http.ResponseWriter, from state, to, why string) {
	refuse(w, http.StatusForbidden, "InvalidStateTransition",
		fmt.Sprintf("State transition from %s to %s failed for runtime. Error: %s", from, to, why))
}

func refuse(w http.ResponseWriter, status int, kind, message string) {
	writeJSON(w, status, map[string]string{"errorMessage": message, "errorType": kind})
}

func writeJSON(w http.ResponseWriter, status int, v any) {
	body, _ := json.Marshal(v)
	w.Header()["Content-Type"] = jsonType
	w.WriteHeader(status)
	_, _ = w.Write(append(body, '\n'))
}

var errTooLarge = errors.New("too large")

// readAll reads a body of at most max bytes; size is its length, or -1.
func readAll(r io.Reader, size int64, max int) ([]byte, error) {
	if size > int64(max) {
		return nil, errTooLarge
	}
	capacity := 512
	if size >= 0 {
		capacity = int(size) + 1
	}
	b := make([]byte, 0, capacity)
	for {
		n, err := r.Read(b[len(b):cap(b)])
		b = b[:len(b)+n]
		if len(b) > max {
			return nil, errTooLarge
		}
		if err == io.EOF {
			return b, nil
		}
		if err != nil {
			return nil, err
		}
		if len(b) == cap(b) {
			b = append(b, 0)[:len(b)]
		}
	}
}

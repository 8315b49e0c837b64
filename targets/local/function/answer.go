package function

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// answer is an HTTP answer as a function gives it.
type answer struct {
	status  int
	headers [][2]string
	cookies []string
	body    []byte
}

// decodeAnswer reads what a function returned by the rules of payload format
// 2.0. Without a statusCode the whole payload is the body: a string as it is,
// any other value as its JSON. Sources: "Invoking Lambda function URLs" in the
// AWS Lambda developer guide, and answers recorded from live function URLs.
func decodeAnswer(payload []byte) (answer, error) {
	var envelope struct{ status, headers, cookies, body, base64 []byte }
	object := scanObject(payload, func(name string, value []byte) {
		if string(value) == "null" {
			value = nil
		}
		switch name {
		case "statusCode":
			envelope.status = value
		case "headers":
			envelope.headers = value
		case "cookies":
			envelope.cookies = value
		case "body":
			envelope.body = value
		case "isBase64Encoded":
			envelope.base64 = value
		}
	})
	if !object || envelope.status == nil {
		payload, ok := trimValue(payload)
		if !ok {
			return answer{}, errors.New("the payload is not JSON")
		}
		if payload[0] == '"' {
			payload = unquote(payload)
		}
		return answer{status: http.StatusOK, body: payload}, nil
	}
	a, err := decodeHead(envelope.status, envelope.headers, envelope.cookies)
	if err != nil {
		return answer{}, err
	}
	a.body, err = decodeBody(envelope.body, envelope.base64)
	return a, err
}

// decodeHead reads the status, the headers and the cookies. Missing ones are nil.
func decodeHead(status, headers, cookies []byte) (answer, error) {
	a := answer{status: http.StatusOK}
	if status != nil {
		text := status
		if text[0] == '"' {
			text = unquote(text)
		}
		code, err := strconv.Atoi(string(text))
		if err != nil || code < 200 || code > 599 {
			return answer{}, fmt.Errorf("statusCode %.40s is not a status from 200 to 599", status)
		}
		a.status = code
	}

	var err error
	if headers != nil && !scanObject(headers, func(name string, value []byte) {
		switch value[0] {
		case '"':
			a.headers = append(a.headers, [2]string{name, string(unquote(value))})
		case '{', '[':
			err = fmt.Errorf("the header %.40q is not a string", name)
		case 'n':
		default:
			a.headers = append(a.headers, [2]string{name, string(value)})
		}
	}) {
		err = errors.New("headers is not an object")
	}
	if cookies != nil && !scanArray(cookies, func(value []byte) {
		if value[0] != '"' {
			err = errors.New("a cookie is not a string")
			return
		}
		a.cookies = append(a.cookies, string(unquote(value)))
	}) {
		err = errors.New("cookies is not a list")
	}
	return a, err
}

// decodeBody reads the body. One that is no string is its JSON.
func decodeBody(body, encoded []byte) ([]byte, error) {
	if body == nil {
		return nil, nil
	}
	if body[0] == '"' {
		body = unquote(body)
	}
	if encoded == nil || string(encoded) == "false" {
		return body, nil
	}
	if string(encoded) != "true" {
		return nil, errors.New("isBase64Encoded is not a boolean")
	}
	decoded := make([]byte, base64.StdEncoding.DecodedLen(len(body)))
	n, err := base64.StdEncoding.Decode(decoded, body)
	if err != nil {
		return nil, fmt.Errorf("the body is not base64: %w", err)
	}
	return decoded[:n], nil
}

// writeHead sets the headers of an answer. Those of the connection are dropped,
// and a missing Content-Type becomes application/json, as on the platform.
func (a answer) writeHead(h http.Header, r *http.Request) {
	typed := false
	for _, pair := range a.headers {
		name := http.CanonicalHeaderKey(pair[0])
		switch {
		case slices.Contains(hopHeaders, name):
		case name == "Content-Length" && r.Method != http.MethodHead:
		case name == "Set-Cookie":
			h.Add(name, pair[1])
		default:
			typed = typed || name == "Content-Type"
			h[name] = []string{pair[1]}
		}
	}
	for _, cookie := range a.cookies {
		h.Add("Set-Cookie", cookie)
	}
	if !typed && a.hasBody() {
		h["Content-Type"] = jsonType
	}
}

// hasBody reports whether an answer of this status may have a body.
func (a answer) hasBody() bool {
	return a.status != http.StatusNoContent && a.status != http.StatusNotModified
}

// write writes a whole answer.
func (a answer) write(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	a.writeHead(h, r)
	switch {
	case r.Method == http.MethodHead:
		if len(h["Content-Length"]) == 0 && a.hasBody() && len(a.body) > 0 {
			h["Content-Length"] = []string{strconv.Itoa(len(a.body))}
		}
		w.WriteHeader(a.status)
	case !a.hasBody():
		w.WriteHeader(a.status)
	default:
		h["Content-Length"] = []string{strconv.Itoa(len(a.body))}
		w.WriteHeader(a.status)
		_, _ = w.Write(a.body) // the client may be gone
	}
}

// preludeEnd separates the JSON of a streamed answer from its body.
var preludeEnd = make([]byte, 8)

// preludeMax bounds that JSON.
const preludeMax = mebibyte

// decodePrelude reads the JSON that precedes a streamed body. Its headers may
// have several values.
func decodePrelude(prelude []byte) (answer, error) {
	var status, headers, cookies []byte
	var multi [][2]string
	valid := true
	if !scanObject(prelude, func(name string, value []byte) {
		if string(value) == "null" {
			return
		}
		switch name {
		case "statusCode":
			status = value
		case "headers":
			headers = value
		case "cookies":
			cookies = value
		case "multiValueHeaders":
			valid = scanObject(value, func(name string, values []byte) {
				valid = valid && scanArray(values, func(value []byte) {
					if value[0] == '"' {
						multi = append(multi, [2]string{name, string(unquote(value))})
					}
				})
			}) && valid
		}
	}) {
		return answer{}, errors.New("the prelude is not a JSON object")
	}
	if !valid {
		return answer{}, errors.New("multiValueHeaders is not an object of lists")
	}
	a, err := decodeHead(status, headers, cookies)
	for _, pair := range multi {
		if !slices.ContainsFunc(a.headers, func(h [2]string) bool { return strings.EqualFold(h[0], pair[0]) && h[1] == pair[1] }) {
			a.headers = append(a.headers, pair)
		}
	}
	return a, err
}

// cutPrelude returns the JSON and how many bytes of the buffer precede the body,
// or false if the separator has not come yet.
func cutPrelude(b []byte) (prelude []byte, used int, ok bool) {
	at := bytes.Index(b, preludeEnd)
	if at < 0 {
		return nil, 0, false
	}
	return b[:at], at + len(preludeEnd), true
}

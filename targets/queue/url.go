package queue

import (
	"errors"
	"net"
	"net/url"
	"strconv"
	"strings"
)

// address is what the URL of a stream says.
type address struct {
	tls      bool
	host     string // with its port
	user     string
	database int
	stream   string
}

// ErrPassword is a password in the URL of a stream.
var ErrPassword = errors.New("a password in the URL")

const defaultPort = "6379"

// CheckURL returns an error unless a text is the URL of a stream:
// redis://USER@HOST:PORT/DATABASE/STREAM, or rediss:// for TLS, without the user and
// the port where they are the usual ones. No error repeats the URL.
func CheckURL(text string) error {
	_, err := parseURL(text)
	return err
}

func parseURL(text string) (a address, err error) {
	u, err := url.Parse(text)
	if err != nil || u.Scheme != "redis" && u.Scheme != "rediss" {
		return a, errors.New("it does not begin with redis:// or rediss://")
	}
	if _, has := u.User.Password(); has {
		return a, ErrPassword
	}
	if u.Hostname() == "" {
		return a, errors.New("it names no host")
	}
	if u.RawQuery != "" || u.Fragment != "" {
		return a, errors.New("something stands behind the stream's name")
	}
	port := u.Port()
	if port == "" {
		port = defaultPort
	}
	a = address{tls: u.Scheme == "rediss", host: net.JoinHostPort(u.Hostname(), port), user: u.User.Username()}
	database, stream, _ := strings.Cut(strings.TrimPrefix(u.EscapedPath(), "/"), "/")
	if a.database, err = strconv.Atoi(database); err != nil || a.database < 0 {
		return a, errors.New("behind the host comes no number of a database")
	}
	if a.stream, err = url.PathUnescape(stream); err != nil || a.stream == "" || strings.Contains(stream, "/") {
		return a, errors.New("it does not end with the name of a stream")
	}
	return a, nil
}

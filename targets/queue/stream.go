package queue

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/gomodule/redigo/redis"
)

// consumer is the name in the group. There is one consumer a group, so that what was
// taken before a restart is its own afterwards.
const consumer = "twofold"

const (
	// block is how long the server waits for new messages before it answers that there
	// are none.
	block = time.Second
	// answerLimit bounds an answer of the server, and connectLimit a connection.
	answerLimit  = 10 * time.Second
	connectLimit = 5 * time.Second
)

// message is an entry of a stream. A field's value follows its name.
type message struct {
	id     string
	fields []string
	// attempt counts how often it was taken, this time included.
	attempt int
}

// stream is a stream as its group has it.
type stream struct {
	name, group string
	pool        *redis.Pool
}

func open(a address, group, password string) *stream {
	options := []redis.DialOption{
		redis.DialUseTLS(a.tls), redis.DialDatabase(a.database), redis.DialUsername(a.user), redis.DialPassword(password),
		redis.DialConnectTimeout(connectLimit), redis.DialReadTimeout(answerLimit), redis.DialWriteTimeout(answerLimit),
	}
	return &stream{name: a.stream, group: group, pool: &redis.Pool{
		MaxIdle: 4, IdleTimeout: time.Minute,
		DialContext: func(ctx context.Context) (redis.Conn, error) {
			return redis.DialContext(ctx, "tcp", a.host, options...)
		},
	}}
}

func (s *stream) close() { s.pool.Close() }

// do sends one command. What a context ends is the wait for a connection: a command that
// was sent is answered, or what it took would be lost for a while.
func (s *stream) do(ctx context.Context, command string, args ...any) (any, error) {
	c, err := s.pool.GetContext(ctx)
	if err != nil {
		return nil, err
	}
	defer c.Close()
	return c.Do(command, args...)
}

// join makes the group, which begins with the oldest entry, and the stream if need be.
func (s *stream) join(ctx context.Context) error {
	_, err := s.do(ctx, "XGROUP", "CREATE", s.name, s.group, "0", "MKSTREAM")
	if isCode(err, "BUSYGROUP") {
		return nil // it is there
	}
	return err
}

func isCode(err error, code string) bool {
	var e redis.Error
	return errors.As(err, &e) && strings.HasPrefix(string(e), code)
}

// take returns new messages, or none after a while.
func (s *stream) take(ctx context.Context, most int) ([]message, error) {
	reply, err := redis.Values(s.do(ctx, "XREADGROUP", "GROUP", s.group, consumer, "COUNT", most, "BLOCK", block.Milliseconds(), "STREAMS", s.name, ">"))
	if errors.Is(err, redis.ErrNil) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	if len(reply) != 1 {
		return nil, errReply
	}
	one, err := redis.Values(reply[0], nil)
	if err != nil || len(one) != 2 {
		return nil, errReply
	}
	list, err := readMessages(one[1])
	for n := range list {
		list[n].attempt = 1
	}
	return list, err
}

var errReply = errors.New("the server answers what no stream does")

// readMessages reads a list of entries. Where one was deleted from the stream, servers
// before Redis 7 say nil.
func readMessages(reply any) ([]message, error) {
	entries, err := redis.Values(reply, nil)
	if err != nil {
		return nil, errReply
	}
	var list []message
	for _, e := range entries {
		if e == nil {
			continue
		}
		pair, err := redis.Values(e, nil)
		if err != nil || len(pair) != 2 {
			return nil, errReply
		}
		var m message
		if m.id, err = redis.String(pair[0], nil); err != nil {
			return nil, errReply
		}
		if m.fields, err = redis.Strings(pair[1], nil); err != nil {
			return nil, errReply
		}
		list = append(list, m)
	}
	return list, nil
}

// pending is a message that was taken and not acknowledged, and how often.
type pending struct {
	id    string
	taken int
}

// due lists pending messages that were taken some time ago, the oldest first.
func (s *stream) due(ctx context.Context, ago time.Duration, most int) ([]pending, error) {
	rows, err := redis.Values(s.do(ctx, "XPENDING", s.name, s.group, "IDLE", ago.Milliseconds(), "-", "+", most))
	if err != nil {
		return nil, err
	}
	var list []pending
	for _, row := range rows {
		var p pending
		values, err := redis.Values(row, nil)
		if err == nil {
			_, err = redis.Scan(values, &p.id, nil, nil, &p.taken)
		}
		if err != nil {
			return nil, errReply
		}
		list = append(list, p)
	}
	return list, nil
}

// again takes a pending message once more. ok is false if it is not in the stream any
// more; then it is not pending either.
func (s *stream) again(ctx context.Context, p pending, ago time.Duration) (m message, ok bool, err error) {
	reply, err := s.do(ctx, "XCLAIM", s.name, s.group, consumer, ago.Milliseconds(), p.id)
	if err != nil {
		return m, false, err
	}
	list, err := readMessages(reply)
	if err != nil {
		return m, false, err
	}
	if len(list) == 0 {
		return m, false, s.acknowledge(ctx, p.id)
	}
	m = list[0]
	m.attempt = p.taken + 1
	return m, true, nil
}

func (s *stream) acknowledge(ctx context.Context, ids ...string) error {
	_, err := s.do(ctx, "XACK", redis.Args{s.name, s.group}.AddFlat(ids)...)
	return err
}

// giveBack makes messages that were taken and not posted due at once, and their attempt
// not count.
func (s *stream) giveBack(ctx context.Context, list []message, pause time.Duration) error {
	var problems []error
	for _, m := range list {
		_, err := s.do(ctx, "XCLAIM", s.name, s.group, consumer, 0, m.id, "IDLE", pause.Milliseconds(), "RETRYCOUNT", m.attempt-1, "JUSTID")
		problems = append(problems, err)
	}
	return errors.Join(problems...)
}

// bury puts a message into the stream for those that failed for good, and acknowledges
// it: both or none.
func (s *stream) bury(ctx context.Context, m message) error {
	c, err := s.pool.GetContext(ctx)
	if err != nil {
		return err
	}
	defer c.Close()
	c.Send("MULTI")
	c.Send("XADD", redis.Args{s.name + DeadSuffix, "*"}.AddFlat(m.fields)...)
	c.Send("XACK", s.name, s.group, m.id)
	replies, err := redis.Values(c.Do("EXEC"))
	if err != nil {
		return err
	}
	for _, r := range replies {
		if err, failed := r.(redis.Error); failed {
			return fmt.Errorf("put it into %s%s: %w", s.name, DeadSuffix, err)
		}
	}
	return nil
}

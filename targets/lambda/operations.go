package lambda

import (
	"context"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"
	awslambdaapi "github.com/aws/aws-sdk-go-v2/service/lambda"

	"github.com/twofoldhq/twofold/targets"
)

// invoke hands an event to the version that takes traffic, once: an invocation is not
// repeated when it fails.
func (t *Target) invoke(ctx context.Context, r targets.InvokeRequest) (targets.InvokeResult, error) {
	s, err := t.open(ctx)
	if err != nil {
		return targets.InvokeResult{}, fmt.Errorf("%s: invoke %q: %w", t.address(), r.Service, err)
	}
	name := functionName(r.Key)
	out, err := s.invoker.Invoke(ctx, &awslambdaapi.InvokeInput{FunctionName: &name, Qualifier: aws.String(aliasName), Payload: r.Event})
	if missing(err) {
		return targets.InvokeResult{}, fmt.Errorf("%s: invoke %q: it is not deployed in environment %q: deploy it first", t.address(), r.Service, r.Environment)
	}
	if err != nil {
		return targets.InvokeResult{}, fmt.Errorf("%s: invoke %q: %w", t.address(), r.Service, problem("invoke function", name, err))
	}
	if out.FunctionError != nil {
		return targets.InvokeResult{Error: out.Payload}, nil
	}
	return targets.InvokeResult{Payload: out.Payload}, nil
}

// followBack is how far each reading of a log that is followed looks back, for lines
// that reach CloudWatch late.
const followBack = 30 * time.Second

// logs writes what the app printed, in the order of CloudWatch.
func (t *Target) logs(ctx context.Context, r targets.LogsRequest) error {
	s, err := t.open(ctx)
	if err != nil {
		return fmt.Errorf("%s: logs of %q: %w", t.address(), r.Service, err)
	}
	l := &logReader{session: s, group: "/aws/lambda/" + functionName(r.Key), every: t.pace.follow, seen: map[string]int64{}}
	err = l.run(ctx, r)
	switch {
	case missing(err):
		return fmt.Errorf("%s: logs of %q: it is not deployed in environment %q: deploy it first", t.address(), r.Service, r.Environment)
	case err != nil && r.Follow && ctx.Err() != nil:
		return nil // how following ends
	case err != nil:
		return fmt.Errorf("%s: logs of %q: %w", t.address(), r.Service, err)
	}
	return nil
}

type logReader struct {
	session *session
	group   string
	every   time.Duration
	// seen are the events of the last followBack that were written, with their times.
	seen   map[string]int64
	latest int64
}

func (l *logReader) run(ctx context.Context, r targets.LogsRequest) error {
	var lines []string
	keep := func(line string) error {
		lines = append(lines, line)
		if r.Tail > 0 && len(lines) > r.Tail {
			lines = lines[1:]
		}
		return nil
	}
	if err := l.read(ctx, keep); err != nil {
		return err
	}
	if r.Tail >= 0 {
		for _, line := range lines {
			if _, err := io.WriteString(r.Out, line); err != nil {
				return err
			}
		}
	}
	for r.Follow {
		if err := pause(ctx, l.every); err != nil {
			return err
		}
		err := l.read(ctx, func(line string) error {
			_, err := io.WriteString(r.Out, line)
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// read hands on the app's lines that were not handed on before.
func (l *logReader) read(ctx context.Context, write func(line string) error) error {
	in := &cloudwatchlogs.FilterLogEventsInput{LogGroupName: &l.group}
	if l.latest > 0 {
		in.StartTime = aws.Int64(l.latest - followBack.Milliseconds())
	}
	pages := cloudwatchlogs.NewFilterLogEventsPaginator(l.session.logs, in)
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return problem("read log group", l.group, err)
		}
		for _, e := range page.Events {
			if err := l.event(e, write); err != nil {
				return err
			}
		}
	}
	for id, at := range l.seen {
		if at < l.latest-2*followBack.Milliseconds() {
			delete(l.seen, id)
		}
	}
	return nil
}

func (l *logReader) event(e types.FilteredLogEvent, write func(line string) error) error {
	id, at := aws.ToString(e.EventId), aws.ToInt64(e.Timestamp)
	if _, twice := l.seen[id]; twice {
		return nil
	}
	l.seen[id] = at
	l.latest = max(l.latest, at)
	line := strings.TrimSuffix(aws.ToString(e.Message), "\n") + "\n"
	if platformLine(line) {
		return nil
	}
	return write(line)
}

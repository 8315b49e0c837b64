//go:build e2e

package lambda

import (
	"bytes"
	"context"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"

	"github.com/twofoldhq/twofold/targets"
)

func TestLogsAreTheAppsLinesAlone(t *testing.T) {
	motoCloud.set(nil, healthyApp)
	target, d := quick(t, nil), deploymentOf(environmentOf(t, 1))
	read := func(tail int) (string, error) {
		out := new(bytes.Buffer)
		err := target.logs(t.Context(), targets.LogsRequest{Key: d.Key, Tail: tail, Out: out})
		return out.String(), err
	}
	if _, err := read(0); err == nil || !strings.Contains(err.Error(), "deploy it first") {
		t.Errorf("logs of what is not deployed: %v", err)
	}
	if _, err := target.Deploy(t.Context(), d); err != nil {
		t.Fatal(err)
	}
	s, err := target.open(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	group, stream := aws.String("/aws/lambda/"+functionName(d.Key)), aws.String("2026/11/23/[1]abc")
	if _, err := s.logs.CreateLogStream(t.Context(), &cloudwatchlogs.CreateLogStreamInput{LogGroupName: group, LogStreamName: stream}); err != nil {
		t.Fatal(err)
	}
	put := &cloudwatchlogs.PutLogEventsInput{LogGroupName: group, LogStreamName: stream}
	for n, line := range []string{"START RequestId: 1 Version: 1\n", "app one starts\n", "  two  words", "END RequestId: 1\n", "REPORT RequestId: 1\tDuration: 1 ms\n"} {
		put.LogEvents = append(put.LogEvents, types.InputLogEvent{Message: aws.String(line), Timestamp: aws.Int64(time.Now().UnixMilli() + int64(n))})
	}
	if _, err := s.logs.PutLogEvents(t.Context(), put); err != nil {
		t.Fatal(err)
	}
	for tail, want := range map[int]string{0: "app one starts\n  two  words\n", 1: "  two  words\n", -1: ""} {
		if got, err := read(tail); err != nil || got != want {
			t.Errorf("with a tail of %d: %q, %v; want %q", tail, got, err, want)
		}
	}
	if _, err := target.Destroy(t.Context(), d.Key); err != nil {
		t.Error(err)
	}
}

// lines hands over what is written, line by line.
type lines chan string

func (l lines) Write(p []byte) (int, error) {
	l <- string(p)
	return len(p), nil
}

// TestLogsAreFollowedAcrossVersions writes lines into the streams of two versions, one
// of them with a time that is before what was shown already.
func TestLogsAreFollowedAcrossVersions(t *testing.T) {
	motoCloud.set(nil, healthyApp)
	target, d := quick(t, nil), deploymentOf(environmentOf(t, 1))
	if _, err := target.Deploy(t.Context(), d); err != nil {
		t.Fatal(err)
	}
	s, err := target.open(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	group := aws.String("/aws/lambda/" + functionName(d.Key))
	for _, version := range []string{"1", "2"} {
		stream := aws.String("2026/11/23/[" + version + "]abc")
		if _, err := s.logs.CreateLogStream(t.Context(), &cloudwatchlogs.CreateLogStreamInput{LogGroupName: group, LogStreamName: stream}); err != nil {
			t.Fatal(err)
		}
	}
	put := func(version, line string, ago time.Duration) {
		t.Helper()
		_, err := s.logs.PutLogEvents(t.Context(), &cloudwatchlogs.PutLogEventsInput{
			LogGroupName: group, LogStreamName: aws.String("2026/11/23/[" + version + "]abc"),
			LogEvents: []types.InputLogEvent{{Message: &line, Timestamp: aws.Int64(time.Now().Add(-ago).UnixMilli())}},
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	put("1", "version one\n", 0)
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	out, ended := make(lines), make(chan error, 1)
	go func() { ended <- target.logs(ctx, targets.LogsRequest{Key: d.Key, Follow: true, Out: out}) }()
	expect := func(want string) {
		t.Helper()
		select {
		case got := <-out:
			if got != want {
				t.Errorf("got %q, want %q", got, want)
			}
		case err := <-ended:
			t.Fatalf("following ended: %v", err)
		}
	}
	expect("version one\n")
	put("2", "version two\n", 0)
	expect("version two\n")
	put("1", "late\n", 10*time.Second)
	expect("late\n")
	// The same text again is another line, and no line comes twice.
	put("1", "version one\n", 0)
	expect("version one\n")
	put("2", "last\n", 0)
	expect("last\n")
	stop()
	for open := true; open; {
		select {
		case line := <-out:
			t.Errorf("after all: %q", line)
		case err := <-ended:
			open = false
			if err != nil {
				t.Errorf("following ended: %v", err)
			}
		}
	}
	if _, err := target.Destroy(t.Context(), d.Key); err != nil {
		t.Error(err)
	}
}

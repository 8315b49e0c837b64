//go:build e2e

package lambda

import (
	"bytes"
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

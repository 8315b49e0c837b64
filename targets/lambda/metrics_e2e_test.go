//go:build e2e

package lambda

import (
	"net/http"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"
	"github.com/google/go-cmp/cmp"

	"github.com/twofoldhq/twofold/targets"
)

func TestMetricsOfTheLastDay(t *testing.T) {
	motoCloud.set(nil, healthyApp)
	target, d := quick(t, nil), deploymentOf(environmentOf(t, 1))
	d.Memory = 1024 << 20
	if m, err := target.measured(t.Context(), d.Key); err != nil || !cmp.Equal(m, targets.Metrics{}) {
		t.Errorf("metrics of what is not deployed: %+v, %v", m, err)
	}
	if _, err := target.Deploy(t.Context(), d); err != nil {
		t.Fatal(err)
	}
	if m, err := target.measured(t.Context(), d.Key); err != nil || !cmp.Equal(m, targets.Metrics{}) {
		t.Errorf("metrics without a request: %+v, %v", m, err)
	}
	motoCloud.watch.count(d.Key, "", 1e6, 12)
	for metric, value := range map[string]float64{"Throttles Sum": 3, "Duration Sum": 1e9, "Duration p50": 80, "Duration p95": 240.5} {
		motoCloud.watch.set(d.Key, "", metric, value)
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
	begin := time.Now().Add(-time.Minute).Truncate(time.Millisecond).UTC()
	for n, line := range []string{"twofold: the app exited with status 3\n", "fine\n", "2026-11-24T02:00:00.000Z 5a1b Task timed out after 30.03 seconds\n"} {
		put.LogEvents = append(put.LogEvents, types.InputLogEvent{Message: aws.String(line), Timestamp: aws.Int64(begin.UnixMilli() + int64(n))})
	}
	if _, err := s.logs.PutLogEvents(t.Context(), put); err != nil {
		t.Fatal(err)
	}
	want := targets.Metrics{
		Requests: 1e6, Errors: 12, Throttled: 3, P50: 80, P95: 240.5, Cost: 1e6*priceOfRequest + 1e6*priceOfX86, CostNote: costNote,
		LastErrors: []targets.Failure{
			{Time: begin.Add(2 * time.Millisecond), Message: "Task timed out after 30.03 seconds"},
			{Time: begin, Message: "the app exited with status 3"},
		},
	}
	m, err := target.measured(t.Context(), d.Key)
	if diff := cmp.Diff(want, m); err != nil || diff != "" {
		t.Errorf("%v\n%s", err, diff)
	}
	motoCloud.set(func(c call) verdict {
		if c.service == "logs" {
			return verdict{answer: awsError(http.StatusForbidden, "AccessDeniedException", "no")}
		}
		return verdict{}
	}, healthyApp)
	want.LastErrors = nil
	m, err = target.measured(t.Context(), d.Key)
	if diff := cmp.Diff(want, m); err != nil || diff != "" {
		t.Errorf("without the log: %v\n%s", err, diff)
	}
	motoCloud.set(nil, healthyApp)
	if _, err := target.Destroy(t.Context(), d.Key); err != nil {
		t.Error(err)
	}
}

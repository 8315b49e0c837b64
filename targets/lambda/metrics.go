package lambda

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"

	"github.com/twofoldhq/twofold/targets"
)

// The list prices of us-east-1 in US dollars, without tiers. Source: "AWS Lambda
// pricing", https://aws.amazon.com/lambda/pricing/
const (
	priceOfRequest  = 0.20 / 1e6
	priceOfX86      = 0.0000166667 // a GB-second
	priceOfArm      = 0.0000133334
	costNote        = "requests and GB-seconds by the list price of us-east-1, without free tier; logs, data transfer and instances kept ready are not in it"
	failuresMost    = 5
	metricNamespace = "AWS/Lambda"
)

// counts are invocations of a version through the alias, and those that failed.
type counts struct{ requests, errors float64 }

// served counts what a version has done for the alias since a time, as far as
// CloudWatch knows it: it is a minute or two late. An error is an invocation that
// failed. An answer of 500 and more is one where a function URL hands it over, which counts
// invocations that failed as well, so that the larger of the two numbers is taken; other
// ways in count no answers by version. Sources: "Types of metrics for Lambda functions",
// https://docs.aws.amazon.com/lambda/latest/dg/monitoring-metrics-types.html, and
// "Monitoring Lambda function URLs",
// https://docs.aws.amazon.com/lambda/latest/dg/urls-monitoring.html
func (s *session) served(ctx context.Context, name, version string, since time.Time) (counts, error) {
	of := dimensions(name)
	of = append(of, types.Dimension{Name: aws.String("ExecutedVersion"), Value: &version})
	since = since.Truncate(time.Minute)
	values, err := s.measure(ctx, name, since, time.Minute, []types.MetricDataQuery{
		query("requests", "Invocations", "Sum", time.Minute, of),
		query("errors", "Errors", "Sum", time.Minute, of),
		query("answers", "Url5xxCount", "Sum", time.Minute, of),
	})
	return counts{values["requests"], max(values["errors"], values["answers"])}, err
}

// dimensions of what goes through the alias.
func dimensions(name string) []types.Dimension {
	return []types.Dimension{
		{Name: aws.String("FunctionName"), Value: &name},
		{Name: aws.String("Resource"), Value: aws.String(name + ":" + aliasName)},
	}
}

func query(id, metric, stat string, period time.Duration, of []types.Dimension) types.MetricDataQuery {
	return types.MetricDataQuery{Id: &id, MetricStat: &types.MetricStat{
		Metric: &types.Metric{Namespace: aws.String(metricNamespace), MetricName: &metric, Dimensions: of},
		Period: aws.Int32(int32(period / time.Second)), Stat: &stat,
	}}
}

// measure returns the sum of the values of each query, by its id; what has no value is
// not there.
func (s *session) measure(ctx context.Context, name string, since time.Time, period time.Duration, queries []types.MetricDataQuery) (map[string]float64, error) {
	// The period in which it is now is asked for as a whole.
	end := time.Now().Truncate(period).Add(period)
	pages := cloudwatch.NewGetMetricDataPaginator(s.metrics, &cloudwatch.GetMetricDataInput{StartTime: &since, EndTime: &end, MetricDataQueries: queries})
	sums := map[string]float64{}
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, problem("read the metrics of function", name, err)
		}
		for _, one := range page.MetricDataResults {
			for _, v := range one.Values {
				sums[aws.ToString(one.Id)] += v
			}
		}
	}
	return sums, nil
}

// measured says how a deployment did during the last day. What went past the alias,
// such as the questions for the health of a version, is not counted.
func (t *Target) measured(ctx context.Context, k targets.Key) (targets.Metrics, error) {
	s, err := t.open(ctx)
	if err != nil {
		return targets.Metrics{}, err
	}
	m, err := t.lastDay(ctx, s, k)
	if err != nil {
		err = conceal(ctx, nil, fmt.Errorf("%s: metrics of %q: %w", t.address(), k.Service, err))
	}
	return m, err
}

func (t *Target) lastDay(ctx context.Context, s *session, k targets.Key) (targets.Metrics, error) {
	o, err := s.observe(ctx, k)
	if err != nil || o.live == nil {
		return targets.Metrics{}, err
	}
	// One period is the whole day: percentiles of parts cannot be put together.
	const day = 24 * time.Hour
	name, of := functionName(k), dimensions(functionName(k))
	since := time.Now().Truncate(time.Minute).Add(time.Minute - day)
	sums, err := s.measure(ctx, name, since, time.Minute, []types.MetricDataQuery{
		query("requests", "Invocations", "Sum", day, of),
		query("errors", "Errors", "Sum", day, of),
		query("throttled", "Throttles", "Sum", day, of),
		query("duration", "Duration", "Sum", day, of),
		query("p50", "Duration", "p50", day, of),
		query("p95", "Duration", "p95", day, of),
	})
	if err != nil {
		return targets.Metrics{}, err
	}
	m := targets.Metrics{
		Requests: int64(sums["requests"]), Errors: int64(sums["errors"]), Throttled: int64(sums["throttled"]), P50: sums["p50"], P95: sums["p95"],
	}
	if m.Requests > 0 {
		m.Cost, m.CostNote = cost(sums["requests"], sums["duration"], o.live.config), costNote
	}
	// Those are an extra: a log group that is away says no more than that.
	m.LastErrors, _ = s.lastFailures(ctx, "/aws/lambda/"+name, time.Now())
	return m, nil
}

// cost of a number of requests that took so many milliseconds together.
func cost(requests, milliseconds float64, c functionConfig) float64 {
	price := priceOfX86
	if c.architecture == "arm64" {
		price = priceOfArm
	}
	return requests*priceOfRequest + milliseconds/1000*float64(c.memory)/1024*price
}

// failurePattern finds the lines with which the adapter and Lambda report that an
// invocation failed.
const failurePattern = `?"twofold: " ?"Task timed out after" ?"Runtime exited"`

// lastFailures are the newest lines that report a failure during the last day. The last
// hour is looked at first: a log is read from its older end.
func (s *session) lastFailures(ctx context.Context, group string, now time.Time) ([]targets.Failure, error) {
	for _, back := range []time.Duration{time.Hour, 24 * time.Hour} {
		found, err := s.failuresSince(ctx, group, now.Add(-back))
		if err != nil || len(found) > 0 {
			return found, err
		}
	}
	return nil, nil
}

// pagesMost bounds what is read of a log in which nearly nothing fits.
const pagesMost = 20

func (s *session) failuresSince(ctx context.Context, group string, since time.Time) ([]targets.Failure, error) {
	pages := cloudwatchlogs.NewFilterLogEventsPaginator(s.logs, &cloudwatchlogs.FilterLogEventsInput{
		LogGroupName: &group, StartTime: aws.Int64(since.UnixMilli()), FilterPattern: aws.String(failurePattern),
	})
	var found []targets.Failure
	for n := 0; pages.HasMorePages() && n < pagesMost; n++ {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, problem("read log group", group, err)
		}
		for _, e := range page.Events {
			message, ok := failureText(aws.ToString(e.Message))
			if !ok {
				continue
			}
			found = append(found, targets.Failure{Time: time.UnixMilli(aws.ToInt64(e.Timestamp)).UTC(), Message: message})
			if len(found) > failuresMost {
				found = found[1:]
			}
		}
	}
	slices.SortStableFunc(found, func(a, b targets.Failure) int { return b.Time.Compare(a.Time) })
	return found, nil
}

// failureText is what a line reports, in one line; false is a line that reports no
// failure.
func failureText(line string) (string, bool) {
	line = strings.TrimSpace(line)
	if text, ok := strings.CutPrefix(line, "twofold: "); ok {
		return text, text != ""
	}
	for _, mark := range []string{"Task timed out after", "Runtime exited"} {
		if at := strings.Index(line, mark); at >= 0 {
			return line[at:], true
		}
	}
	return "", false
}

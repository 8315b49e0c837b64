package lambda

import (
	"fmt"
	"regexp"
	"strings"
	"sync"

	"github.com/twofoldhq/twofold/targets"
)

// checkSchedules reports what EventBridge Scheduler cannot express. Its cron has
// the fields minutes, hours, day of the month, month, day of the week and year,
// and one of the two day fields has to be "?". Source: schedulePage.
func checkSchedules(w targets.Workload) []targets.Finding {
	var found []targets.Finding
	for _, s := range w.Schedules {
		fields := strings.Fields(s.Cron)
		if len(fields) != 5 || free(fields[2]) || free(fields[4]) {
			continue
		}
		byMonth := strings.Join([]string{fields[0], fields[1], fields[2], fields[3], "*"}, " ")
		byWeek := strings.Join([]string{fields[0], fields[1], "*", fields[3], fields[4]}, " ")
		found = append(found, targets.Finding{
			Severity: targets.Error,
			Path:     "schedule." + s.Name + ".cron",
			Summary:  "EventBridge Scheduler takes a day of the month or a day of the week, not both",
			Fix:      fmt.Sprintf("Make two schedules with the same path: cron = %q here, and a block schedule %q with cron = %q.", byMonth, s.Name+"-weekdays", byWeek),
			Limit:    "one of the two day fields of cron is *",
			Source:   schedulePage,
		})
	}
	return found
}

func free(field string) bool { return field == "*" || field == "?" }

const (
	batchMost     = 10000
	batchFIFO     = 10
	batchWindowed = 10
)

// It is compiled when it is first used: every command starts with this package.
var queueName = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`^([A-Za-z0-9_-]{1,80}|[A-Za-z0-9_-]{1,75}\.fifo|arn:aws[a-z-]*:sqs:.+)$`)
})

// checkQueues applies the rules of SQS and of its event source mappings. Sources:
// mappingPage, queuePage.
func checkQueues(w targets.Workload) []targets.Finding {
	var found []targets.Finding
	for _, t := range w.Triggers {
		if t.Kind != targets.TriggerQueue {
			continue
		}
		path := "on.queue." + t.Name
		if !queueName().MatchString(t.Source) {
			found = append(found, targets.Finding{
				Severity: targets.Error, Path: path + ".source",
				Summary: "the source is no name of an SQS queue",
				Fix:     fmt.Sprintf("Write source = %q, or the queue's name as SQS shows it.", betterQueue(t.Source)),
				Limit:   "at most 80 letters, digits, - and _, with .fifo at the end of a FIFO queue's name, or an ARN",
				Source:  queuePage,
			})
		}
		batch := targets.Finding{Severity: targets.Error, Path: path + ".batch", Source: mappingPage}
		switch fifo := strings.HasSuffix(t.Source, ".fifo"); {
		case fifo && t.Batch > batchFIFO:
			batch.Summary = fmt.Sprintf("batch of %d is more than %d, and the queue is FIFO", t.Batch, batchFIFO)
			batch.Fix = fmt.Sprintf("Write batch = %d.", batchFIFO)
			batch.Limit = fmt.Sprintf("at most %d messages of a FIFO queue", batchFIFO)
		case t.Batch > batchMost:
			batch.Summary = fmt.Sprintf("batch of %d is more than %d", t.Batch, batchMost)
			batch.Fix = fmt.Sprintf("Write batch = %d.", batchMost)
			batch.Limit = fmt.Sprintf("at most %d messages", batchMost)
		case t.Batch > batchWindowed:
			batch.Severity = targets.Warning
			batch.Summary = fmt.Sprintf("batch of %d is more than %d, so messages wait", t.Batch, batchWindowed)
			batch.Fix = fmt.Sprintf("Write batch = %d, or accept that messages are gathered for a second or more before the app gets them.", batchWindowed)
			batch.Limit = fmt.Sprintf("more than %d messages need a batching window of at least 1s", batchWindowed)
		default:
			continue
		}
		found = append(found, batch)
	}
	return found
}

func betterQueue(source string) string {
	base, fifo := strings.CutSuffix(source, ".fifo")
	better := strings.Map(func(r rune) rune {
		if queueName().MatchString(string(r)) {
			return r
		}
		return '-'
	}, base)
	if better == "" {
		better = "orders"
	}
	if fifo {
		return better[:min(len(better), 75)] + ".fifo"
	}
	return better[:min(len(better), 80)]
}

var bucketName = regexp.MustCompile(`^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$`)

// checkObjects applies the rules of S3's names and notifications. Sources:
// bucketPage, filterPage.
func checkObjects(w targets.Workload) []targets.Finding {
	var found []targets.Finding
	var before []targets.Trigger
	for _, t := range w.Triggers {
		if t.Kind != targets.TriggerObject {
			continue
		}
		path := "on.object." + t.Name
		if !bucketName.MatchString(t.Source) || strings.Contains(t.Source, "..") {
			found = append(found, targets.Finding{
				Severity: targets.Error, Path: path + ".source",
				Summary: "the source is no name of an S3 bucket",
				Fix:     "Write source = \"shop-uploads\", with the bucket's name as S3 shows it, without s3:// and without a path; prefix narrows the objects.",
				Limit:   "3 to 63 lower-case letters, digits, dots and hyphens",
				Source:  bucketPage,
			})
		}
		for _, other := range before {
			if overlap(t, other) {
				found = append(found, targets.Finding{
					Severity: targets.Error, Path: path,
					Summary: fmt.Sprintf("it overlaps with on \"object\" %q", other.Name),
					Fix:     fmt.Sprintf("Give the two blocks prefixes of which none begins with the other, such as prefix = %q, or let one path of the app take both.", t.Name+"/"),
					Limit:   "no object of a bucket fits two notifications of the same event",
					Source:  filterPage,
				})
				break
			}
		}
		before = append(before, t)
	}
	return found
}

func overlap(a, b targets.Trigger) bool {
	return a.Source == b.Source && (a.Created && b.Created || a.Removed && b.Removed) &&
		(strings.HasPrefix(a.Prefix, b.Prefix) || strings.HasPrefix(b.Prefix, a.Prefix)) &&
		(strings.HasSuffix(a.Suffix, b.Suffix) || strings.HasSuffix(b.Suffix, a.Suffix))
}

package lambda

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	awslambdaapi "github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	sqstypes "github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"github.com/twofoldhq/twofold/targets"
)

// mapping is the connection of a queue with the alias, as it is or as it should be.
type mapping struct {
	id string // of one that is there
	// batch is a number of messages, window how many seconds a batch is waited for.
	batch, window int32
	// partial: the function says which messages of a batch have failed. Without it,
	// one message that fails has all of the batch delivered again, or none.
	partial, enabled bool
}

func (m mapping) text() string {
	text := fmt.Sprintf("batches of %d", m.batch)
	if m.window > 0 {
		text += fmt.Sprintf(", waited for %ds", m.window)
	}
	if !m.partial {
		text += ", failing as a whole"
	}
	if !m.enabled {
		text += ", not enabled"
	}
	return text
}

func (m mapping) equal(o mapping) bool {
	m.id, o.id = "", ""
	return m == o
}

// queueARN is a queue's, named by its ARN or by its name in the function's account and
// region.
func (s *session) queueARN(source string) string {
	if strings.HasPrefix(source, "arn:") {
		return source
	}
	return fmt.Sprintf("arn:%s:sqs:%s:%s:%s", s.partition, s.region, s.account, source)
}

// wantMappings returns the mappings of a deployment by the ARNs of the queues.
func (s *session) wantMappings(triggers []targets.Trigger) (map[string]mapping, error) {
	wanted := map[string]mapping{}
	for _, t := range triggers {
		if t.Kind != targets.TriggerQueue {
			continue
		}
		arn := s.queueARN(t.Source)
		if _, twice := wanted[arn]; twice {
			return nil, fmt.Errorf("on \"queue\" %q: another block takes the messages of %q as well: a message goes to one of them only; remove one", t.Name, t.Source)
		}
		m := mapping{batch: int32(max(t.Batch, 1)), partial: true, enabled: true}
		if m.batch > batchWindowed {
			m.window = 1 // mappingPage: more than 10 messages need a window of at least 1 s
		}
		wanted[arn] = m
	}
	return wanted, nil
}

// observeMappings returns the mappings of queues with the alias. They are all twofold's,
// as the function is.
func (s *session) observeMappings(ctx context.Context, function string) (map[string]mapping, error) {
	found := map[string]mapping{}
	pages := awslambdaapi.NewListEventSourceMappingsPaginator(s.lambda, &awslambdaapi.ListEventSourceMappingsInput{FunctionName: aws.String(s.aliasARN(function))})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if missing(err) {
			return found, nil
		}
		if err != nil {
			return nil, problem("list the queues of function", function, err)
		}
		for _, m := range page.EventSourceMappings {
			arn, state := aws.ToString(m.EventSourceArn), aws.ToString(m.State)
			if !strings.Contains(arn, ":sqs:") || state == "Deleting" || aws.ToString(m.FunctionArn) != s.aliasARN(function) {
				continue
			}
			found[arn] = mapping{
				id: aws.ToString(m.UUID), batch: aws.ToInt32(m.BatchSize), window: aws.ToInt32(m.MaximumBatchingWindowInSeconds),
				partial: slices.Contains(m.FunctionResponseTypes, types.FunctionResponseTypeReportBatchItemFailures),
				enabled: state != "Disabled" && state != "Disabling",
			}
		}
	}
	return found, nil
}

// makeMappings makes the mappings what they should be. It reports whether it changed
// anything.
func (s *session) makeMappings(ctx context.Context, w *wanted, is map[string]mapping) (bool, error) {
	changed := false
	for _, arn := range sortedNames(w.mappings) {
		want, was := w.mappings[arn], is[arn]
		if was.equal(want) {
			continue
		}
		if err := s.putMapping(ctx, w, arn, want, was.id); err != nil {
			return changed, err
		}
		changed = true
	}
	for _, arn := range sortedNames(is) {
		if _, stays := w.mappings[arn]; stays {
			continue
		}
		if err := s.removeMapping(ctx, arn, is[arn].id); err != nil {
			return changed, err
		}
		changed = true
	}
	return changed, nil
}

func (s *session) putMapping(ctx context.Context, w *wanted, arn string, m mapping, id string) error {
	responses := []types.FunctionResponseType{types.FunctionResponseTypeReportBatchItemFailures}
	alias := s.aliasARN(w.name)
	if id != "" {
		_, err := s.lambda.UpdateEventSourceMapping(ctx, &awslambdaapi.UpdateEventSourceMappingInput{
			UUID: &id, FunctionName: &alias, BatchSize: &m.batch, MaximumBatchingWindowInSeconds: &m.window, FunctionResponseTypes: responses, Enabled: aws.Bool(true),
		})
		if err != nil {
			return problem("change how messages are taken from queue", arn, err)
		}
		return nil
	}
	if err := s.checkQueue(ctx, arn, w.config.timeout); err != nil {
		return err
	}
	in := &awslambdaapi.CreateEventSourceMappingInput{
		FunctionName: &alias, EventSourceArn: &arn, BatchSize: &m.batch, FunctionResponseTypes: responses, Enabled: aws.Bool(true), Tags: w.tags,
	}
	if m.window > 0 {
		in.MaximumBatchingWindowInSeconds = &m.window
	}
	if _, err := s.lambda.CreateEventSourceMapping(ctx, in); err != nil {
		return problem("connect queue", arn, err)
	}
	return nil
}

func (s *session) removeMapping(ctx context.Context, arn, id string) error {
	_, err := s.lambda.DeleteEventSourceMapping(ctx, &awslambdaapi.DeleteEventSourceMappingInput{UUID: &id})
	if err != nil && !missing(err) {
		return problem("disconnect queue", arn, err)
	}
	return nil
}

// checkQueues looks at the queues that are connected before a longer timeout gets there.
func (s *session) checkQueues(ctx context.Context, w *wanted, o *observed) error {
	if o.live == nil || w.config.timeout <= o.live.config.timeout {
		return nil
	}
	for _, arn := range sortedNames(w.mappings) {
		if _, connected := o.mappings[arn]; !connected {
			continue // it is looked at when it is connected
		}
		if err := s.checkQueue(ctx, arn, w.config.timeout); err != nil {
			return err
		}
	}
	return nil
}

// checkQueue says in words what Lambda would refuse: a queue that is not there, and
// one whose messages would be delivered again while the function still works on
// them. Source: mappingPage. A queue of another account is left to Lambda.
func (s *session) checkQueue(ctx context.Context, arn string, timeout int32) error {
	parts := strings.Split(arn, ":")
	if len(parts) < 6 || parts[4] != s.account || parts[3] != s.region {
		return nil
	}
	name := parts[5]
	found, err := s.sqs.GetQueueUrl(ctx, &sqs.GetQueueUrlInput{QueueName: &name})
	switch code(err) {
	case "AWS.SimpleQueueService.NonExistentQueue", "QueueDoesNotExist":
		return fmt.Errorf("there is no queue %q in %s: make it with \"aws sqs create-queue --region %s --queue-name %s\", or mend source", name, s.region, s.region, name)
	}
	if err != nil {
		return problem("find queue", name, err)
	}
	out, err := s.sqs.GetQueueAttributes(ctx, &sqs.GetQueueAttributesInput{QueueUrl: found.QueueUrl, AttributeNames: []sqstypes.QueueAttributeName{sqstypes.QueueAttributeNameVisibilityTimeout}})
	if err != nil {
		return problem("read queue", name, err)
	}
	visible, err := strconv.Atoi(out.Attributes[string(sqstypes.QueueAttributeNameVisibilityTimeout)])
	if err == nil && visible < int(timeout) {
		return fmt.Errorf("queue %q delivers a message again after %ds, and the function may take %ds: write a shorter timeout, or "+
			"\"aws sqs set-queue-attributes --queue-url %s --attributes VisibilityTimeout=%d\" (AWS recommends six times the timeout)",
			name, visible, timeout, aws.ToString(found.QueueUrl), 6*timeout)
	}
	return nil
}

// queueRights let a function take messages. Source: "Execution role permissions" on
// mappingPage's neighbour, "Creating and configuring an Amazon SQS event source mapping".
func queueRights(mappings map[string]mapping) []statement {
	if len(mappings) == 0 {
		return nil
	}
	return []statement{{
		Sid: "Queues", Effect: "Allow", Resource: sortedNames(mappings),
		Action: []string{"sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes", "sqs:ChangeMessageVisibility"},
	}}
}

// lastPart is what stands behind the last colon or slash.
func lastPart(name string) string { return name[strings.LastIndexAny(name, ":/")+1:] }

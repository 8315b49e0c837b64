package lambda

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/scheduler"
	schedulertypes "github.com/aws/aws-sdk-go-v2/service/scheduler/types"

	"github.com/twofoldhq/twofold/targets"
)

// scheduledTime is what EventBridge Scheduler replaces with the time that a run is for.
// Source: "Adding context attributes",
// https://docs.aws.amazon.com/scheduler/latest/UserGuide/managing-schedule-context-attributes.html
const scheduledTime = "<aws.scheduler.scheduled-time>"

// scheduleGroup holds the schedules of one deployment: deleting it deletes them, and
// whatever is in it and not in the manifest is one that was dropped. It has the
// function's name, whose characters and length it shares.
func scheduleGroup(function string) string { return function }

// A run that cannot be handed over, since the function is throttled or AWS has a fault, is
// tried again for an hour, and dropped then: without this it is for a day, when the
// next runs are long over. What the function does not manage is tried again by Lambda,
// twice. Source: RetryPolicy,
// https://docs.aws.amazon.com/scheduler/latest/APIReference/API_RetryPolicy.html
const (
	scheduleAge   = 3600 // seconds
	scheduleTries = 30
)

// scheduled is a schedule, as it is or as it should be.
type scheduled struct {
	expression, zone, input, target, role string
	enabled                               bool
	// age is in seconds, tries how often a run that cannot be handed over is tried again.
	age, tries int32
}

func (s scheduled) text() string {
	text := s.expression + " " + s.zone
	if !s.enabled {
		text += ", not enabled"
	}
	return text
}

// wantSchedules returns the schedules of a deployment by their names, and the role
// that EventBridge Scheduler invokes the function with; nil without schedules.
func (s *session) wantSchedules(w *wanted, list []targets.Schedule) (map[string]scheduled, *wantedRole, error) {
	if len(list) == 0 {
		return nil, nil, nil
	}
	alias := s.aliasARN(w.name)
	role := &wantedRole{name: roleName("schedule-"+w.name, s.region), tags: w.tags}
	role.arn = fmt.Sprintf("arn:%s:iam::%s:role/%s", s.partition, s.account, role.name)
	// The condition keeps other accounts from having the service use the role. Source:
	// "Confused deputy prevention in EventBridge Scheduler".
	role.trust = document(statement{
		Effect: "Allow", Principal: map[string]string{"Service": "scheduler.amazonaws.com"}, Action: []string{"sts:AssumeRole"},
		Condition: map[string]map[string]string{"StringEquals": {"aws:SourceAccount": s.account}},
	})
	role.policy = document(statement{Sid: "Invoke", Effect: "Allow", Action: []string{"lambda:InvokeFunction"}, Resource: []string{alias}})
	wanted := map[string]scheduled{}
	for _, one := range list {
		expression, err := scheduleExpression(one.Cron)
		if err != nil {
			return nil, nil, fmt.Errorf("schedule %q: %w", one.Name, err)
		}
		zone := one.Zone
		if zone == "" {
			zone = "UTC"
		}
		wanted[one.Name] = scheduled{expression: expression, zone: zone, input: scheduleInput(one), target: alias, role: role.arn, enabled: true, age: scheduleAge, tries: scheduleTries}
	}
	return wanted, role, nil
}

// scheduleInput is the event of a run: what the adapter posts to the path, and the
// path. The scheduler looks for its words in the text, so they are not escaped.
func scheduleInput(one targets.Schedule) string {
	var b strings.Builder
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	_ = e.Encode(struct {
		Twofold struct {
			Schedule string `json:"schedule"`
			Time     string `json:"time"`
		} `json:"twofold"`
		Path string `json:"path"`
	}{Twofold: struct {
		Schedule string `json:"schedule"`
		Time     string `json:"time"`
	}{one.Name, scheduledTime}, Path: one.Path}) // strings are always encoded
	return strings.TrimSpace(b.String())
}

// observedSchedules are those of a group, by their names. Group says whether it is there.
type observedSchedules struct {
	group bool
	list  map[string]scheduled
}

func (s *session) observeSchedules(ctx context.Context, name string, tags map[string]string) (observedSchedules, error) {
	group := scheduleGroup(name)
	o := observedSchedules{list: map[string]scheduled{}}
	found, err := s.scheduler.GetScheduleGroup(ctx, &scheduler.GetScheduleGroupInput{Name: &group})
	if missing(err) {
		return o, nil
	}
	if err != nil {
		return o, problem("read schedule group", group, err)
	}
	if found.State == schedulertypes.ScheduleGroupStateDeleting {
		return o, fmt.Errorf("schedule group %q is being deleted: %w", group, errMoved)
	}
	own, err := s.scheduler.ListTagsForResource(ctx, &scheduler.ListTagsForResourceInput{ResourceArn: found.Arn})
	if err != nil {
		return o, problem("read the tags of schedule group", group, err)
	}
	is := map[string]string{}
	for _, tag := range own.Tags {
		is[aws.ToString(tag.Key)] = aws.ToString(tag.Value)
	}
	if !covers(is, tags) {
		return o, fmt.Errorf("there is a schedule group %q that is not this deployment's: rename it or the service", group)
	}
	o.group = true
	pages := scheduler.NewListSchedulesPaginator(s.scheduler, &scheduler.ListSchedulesInput{GroupName: &group})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return o, problem("list the schedules of group", group, err)
		}
		for _, summary := range page.Schedules {
			one, err := s.scheduler.GetSchedule(ctx, &scheduler.GetScheduleInput{GroupName: &group, Name: summary.Name})
			if missing(err) {
				continue
			}
			if err != nil {
				return o, problem("read schedule", aws.ToString(summary.Name), err)
			}
			is := scheduled{expression: aws.ToString(one.ScheduleExpression), zone: aws.ToString(one.ScheduleExpressionTimezone), enabled: one.State != schedulertypes.ScheduleStateDisabled}
			if is.zone == "" {
				is.zone = "UTC"
			}
			if one.Target != nil {
				is.input, is.target, is.role = aws.ToString(one.Target.Input), aws.ToString(one.Target.Arn), aws.ToString(one.Target.RoleArn)
				if again := one.Target.RetryPolicy; again != nil {
					is.age, is.tries = aws.ToInt32(again.MaximumEventAgeInSeconds), aws.ToInt32(again.MaximumRetryAttempts)
				}
			}
			o.list[aws.ToString(one.Name)] = is
		}
	}
	return o, nil
}

// makeSchedules makes the schedules what they should be. It reports whether it changed
// anything.
func (s *session) makeSchedules(ctx context.Context, w *wanted, o observedSchedules) (bool, error) {
	if len(w.schedules) == 0 {
		return s.removeSchedules(ctx, w.name, o)
	}
	changed := false
	group := scheduleGroup(w.name)
	if !o.group {
		_, err := s.scheduler.CreateScheduleGroup(ctx, &scheduler.CreateScheduleGroupInput{Name: &group, Tags: scheduleTags(w.tags)})
		if err != nil {
			return false, problem("create schedule group", group, err)
		}
		changed = true
	}
	for _, name := range sortedNames(w.schedules) {
		want := w.schedules[name]
		is, exists := o.list[name]
		if exists && is == want {
			continue
		}
		if err := s.putSchedule(ctx, group, name, want, exists); err != nil {
			return changed, err
		}
		changed = true
	}
	for _, name := range sortedNames(o.list) {
		if _, stays := w.schedules[name]; stays {
			continue
		}
		if _, err := s.scheduler.DeleteSchedule(ctx, &scheduler.DeleteScheduleInput{GroupName: &group, Name: &name}); err != nil && !missing(err) {
			return changed, problem("delete schedule", name, err)
		}
		changed = true
	}
	return changed, nil
}

func (s *session) putSchedule(ctx context.Context, group, name string, want scheduled, exists bool) error {
	window := &schedulertypes.FlexibleTimeWindow{Mode: schedulertypes.FlexibleTimeWindowModeOff}
	target := &schedulertypes.Target{
		Arn: &want.target, RoleArn: &want.role, Input: &want.input,
		RetryPolicy: &schedulertypes.RetryPolicy{MaximumEventAgeInSeconds: &want.age, MaximumRetryAttempts: &want.tries},
	}
	if exists {
		_, err := s.scheduler.UpdateSchedule(ctx, &scheduler.UpdateScheduleInput{
			GroupName: &group, Name: &name, FlexibleTimeWindow: window, Target: target, State: schedulertypes.ScheduleStateEnabled,
			ScheduleExpression: &want.expression, ScheduleExpressionTimezone: &want.zone,
		})
		if err != nil {
			return problem("update schedule", name, err)
		}
		return nil
	}
	_, err := s.scheduler.CreateSchedule(ctx, &scheduler.CreateScheduleInput{
		GroupName: &group, Name: &name, FlexibleTimeWindow: window, Target: target, State: schedulertypes.ScheduleStateEnabled,
		ScheduleExpression: &want.expression, ScheduleExpressionTimezone: &want.zone,
	})
	if err != nil {
		return problem("create schedule", name, err)
	}
	return nil
}

// removeSchedules deletes the group, and with it the schedules.
func (s *session) removeSchedules(ctx context.Context, name string, o observedSchedules) (bool, error) {
	if !o.group {
		return false, nil
	}
	group := scheduleGroup(name)
	if _, err := s.scheduler.DeleteScheduleGroup(ctx, &scheduler.DeleteScheduleGroupInput{Name: &group}); err != nil && !missing(err) {
		return true, problem("delete schedule group", group, err)
	}
	return true, nil
}

func scheduleTags(tags map[string]string) []schedulertypes.Tag {
	var list []schedulertypes.Tag
	for _, name := range sorted(tags) {
		list = append(list, schedulertypes.Tag{Key: aws.String(name), Value: aws.String(tags[name])})
	}
	return list
}

func sortedNames[V any](m map[string]V) []string {
	names := make([]string, 0, len(m))
	for name := range m {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// aliasARN is that of the alias that takes traffic.
func (s *session) aliasARN(function string) string {
	return fmt.Sprintf("arn:%s:lambda:%s:%s:function:%s:%s", s.partition, s.region, s.account, function, aliasName)
}

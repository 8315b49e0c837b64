package awslambda

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/twofoldhq/twofold/targets"
)

func TestSamplesAreEventsOfEachWayIn(t *testing.T) {
	d := targets.Deployment{
		Health: "/healthz",
		Triggers: []targets.Trigger{
			{Kind: targets.TriggerQueue, Name: "orders", Source: "shop-orders.fifo"},
			{Kind: targets.TriggerObject, Name: "images", Source: "shop-uploads", Prefix: "in/", Suffix: ".jpg", Created: true},
			{Kind: targets.TriggerObject, Name: "gone", Source: "shop-uploads", Removed: true},
		},
		Schedules: []targets.Schedule{{Name: "nightly", Path: "/nightly"}},
	}
	wanted := map[string][]string{
		"http":             {`"rawPath": "/healthz"`, `.lambda-url.`},
		"queue:orders":     {`"eventSourceARN": "arn:aws:sqs:eu-west-1:123456789012:shop-orders.fifo"`, `"MessageGroupId"`},
		"object:images":    {`"key": "in/sample.jpg"`, `"eventName": "ObjectCreated:Put"`, `"configurationId": "images"`},
		"object:gone":      {`"eventName": "ObjectRemoved:Delete"`},
		"schedule:nightly": {`"schedule": "nightly"`, `"path": "/nightly"`},
	}
	var names []string
	for _, s := range Samples(d) {
		names = append(names, s.Name)
		if !json.Valid(s.Event) {
			t.Errorf("%s is not JSON: %s", s.Name, s.Event)
		}
		for _, text := range wanted[s.Name] {
			if !strings.Contains(string(s.Event), text) {
				t.Errorf("%s lacks %s: %s", s.Name, text, s.Event)
			}
		}
	}
	if want := []string{"http", "queue:orders", "object:images", "object:gone", "schedule:nightly"}; !slices.Equal(names, want) {
		t.Errorf("samples %q, want %q", names, want)
	}
}

func TestTriggersAreWhatTheAdapterReads(t *testing.T) {
	got := Triggers(
		[]targets.Schedule{{Name: "nightly", Path: "/nightly"}},
		[]targets.Trigger{
			{Kind: targets.TriggerQueue, Name: "orders", Source: "shop-orders", Path: "/orders"},
			{Kind: targets.TriggerQueue, Name: "bulk", Source: "bulk", Path: "/bulk", Whole: true},
			{Kind: targets.TriggerObject, Name: "images", Source: "shop-uploads", Path: "/images"},
		})
	const want = `[{"kind":"queue","name":"orders","source":"shop-orders","path":"/orders","batch":"each"},` +
		`{"kind":"queue","name":"bulk","source":"bulk","path":"/bulk","batch":"whole"},` +
		`{"kind":"object","name":"images","source":"shop-uploads","path":"/images"},` +
		`{"kind":"schedule","name":"nightly","path":"/nightly"}]`
	if got != want {
		t.Errorf("triggers\n%s, want\n%s", got, want)
	}
	if got := Triggers(nil, nil); got != "" {
		t.Errorf("without triggers: %q", got)
	}
}

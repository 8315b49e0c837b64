package awslambda

import (
	"encoding/json"

	"github.com/twofoldhq/twofold/targets"
)

// TriggersVariable is the environment variable that tells the adapter of a bundle
// where the events of each trigger go. docs/adapter.md describes its value.
const TriggersVariable = "TWOFOLD_TRIGGERS"

// trigger is one element of the variable's value.
type trigger struct {
	Kind   string `json:"kind"`
	Name   string `json:"name"`
	Source string `json:"source,omitempty"`
	Path   string `json:"path"`
	Batch  string `json:"batch,omitempty"`
}

// Triggers is the value of TriggersVariable, or "" without triggers.
func Triggers(schedules []targets.Schedule, triggers []targets.Trigger) string {
	var list []trigger
	for _, t := range triggers {
		one := trigger{Kind: t.Kind, Name: t.Name, Source: t.Source, Path: t.Path}
		if t.Kind == targets.TriggerQueue {
			one.Batch = "each"
			if t.Whole {
				one.Batch = "whole"
			}
		}
		list = append(list, one)
	}
	for _, s := range schedules {
		list = append(list, trigger{Kind: "schedule", Name: s.Name, Path: s.Path})
	}
	if len(list) == 0 {
		return ""
	}
	b, err := json.Marshal(list)
	if err != nil {
		return "" // it holds strings only
	}
	return string(b)
}

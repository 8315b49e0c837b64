package lambda

import (
	"fmt"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	awslambdaapi "github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/google/go-cmp/cmp"
)

func TestTheAliasKnowsWhichVersionsHaveServed(t *testing.T) {
	for _, c := range []struct {
		name  string
		moves []string // "deploy 1 2": from version 1 to version 2
		want  servings
	}{
		{"second", []string{"deploy 1 2"}, servings{before: []string{"1"}}},
		{"a release again", []string{"deploy 1 2", "deploy 2 1"}, servings{before: []string{"2"}}},
		{"back", []string{"deploy 1 2", "deploy 2 3", "rollback 3 2"}, servings{before: []string{"1"}, left: []string{"3"}}},
		{"far back", []string{"deploy 1 2", "deploy 2 3", "rollback 3 1"}, servings{left: []string{"3", "2"}}},
		{"forth again", []string{"deploy 1 2", "rollback 2 1", "rollback 1 2"}, servings{left: []string{"1"}}},
		{"on from there", []string{"deploy 1 2", "rollback 2 1", "deploy 1 3"}, servings{before: []string{"1"}, left: []string{"2"}}},
		{"the same version", []string{"deploy 1 2", "deploy 2 2"}, servings{before: []string{"1"}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			var h servings
			for _, move := range c.moves {
				var kind, from, to string
				fmt.Sscan(move, &kind, &from, &to)
				if kind == "deploy" {
					h = h.deployed(from, to)
				} else {
					h = h.rolledBack(from, to)
				}
				// Each is read from what was written before.
				text := aliasText("sha256:ab", h)
				h = readServings(text)
				if aliasRelease(text) != "sha256:ab" {
					t.Errorf("%q names the release %q", text, aliasRelease(text))
				}
			}
			if diff := cmp.Diff(c.want, h, cmp.AllowUnexported(servings{})); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestTheDescriptionOfAnAliasIsNeverTooLong(t *testing.T) {
	var h servings
	for n := range 1000 {
		h = h.deployed(fmt.Sprint(99000+n), fmt.Sprint(99001+n))
	}
	if text := aliasText("sha256:"+strings.Repeat("f", 64), h); len(text) > 256 || len(h.before) != keepMost {
		t.Errorf("%d characters: %s", len(text), text)
	}
}

func FuzzReadServings(f *testing.F) {
	for _, text := range []string{"", "twofold sha256:ab; before 3 1; left 4", "; left 1; before 2", "twofold ; before -1 x 0 1 1"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		h := readServings(text)
		again := readServings(aliasText("sha256:ab", h))
		if diff := cmp.Diff(h, again, cmp.AllowUnexported(servings{})); diff != "" {
			t.Errorf("%q: %s", text, diff)
		}
	})
}

func TestWhichVersionsAreDeleted(t *testing.T) {
	version := func(n int) *observedFunction {
		return &observedFunction{version: fmt.Sprint(n), config: functionConfig{description: description(fmt.Sprintf("sha256:%d", n))}}
	}
	var list []*observedFunction
	for n := 9; n > 0; n-- {
		list = append(list, version(n))
	}
	list[7].config.description = "made by hand" // version 2
	for _, c := range []struct {
		name, text string
		aliased    map[string]bool
		want       string
	}{
		// 7 and 5 never served; 9 is another deploy's.
		{"served", "twofold sha256:8; before 6 4 3 1", nil, "1 3 5 7"},
		{"aliased", "twofold sha256:8; before 6 4 3 1", map[string]bool{"3": true, "7": true}, "1 5"},
		{"left", "twofold sha256:8; before 3; left 9 4", nil, "1 3 5 6 7"},
		{"unknown", "by hand", nil, "1 3 4 5 6"},
	} {
		t.Run(c.name, func(t *testing.T) {
			o := &observed{live: version(8), alias: &awslambdaapi.GetAliasOutput{Description: aws.String(c.text)}}
			if got := strings.Join(o.surplus(list, c.aliased, 2), " "); got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

func TestTrafficOfASplitAlias(t *testing.T) {
	o := &observed{
		live:  &observedFunction{version: "1"},
		alias: &awslambdaapi.GetAliasOutput{RoutingConfig: &types.AliasRoutingConfiguration{AdditionalVersionWeights: map[string]float64{"2": 0.07}}},
	}
	if got := o.weights(); got != "version 2 gets 7%" {
		t.Errorf("got %q", got)
	}
}

func TestCost(t *testing.T) {
	c := functionConfig{memory: 1024, architecture: "x86_64"}
	if got := fmt.Sprintf("%.6f", cost(1e6, 1e9, c)); got != "16.866700" {
		t.Errorf("a million requests of a second with 1 GB cost %s", got)
	}
	c.architecture, c.memory = "arm64", 512
	if got := fmt.Sprintf("%.6f", cost(1e6, 1e9, c)); got != "6.866700" {
		t.Errorf("on arm64 with 512 MB they cost %s", got)
	}
}

func TestFailuresAreFoundInALog(t *testing.T) {
	for line, want := range map[string]string{
		"twofold: the app exited with status 3\n":                            "the app exited with status 3",
		"2026-11-24T02:00:00.000Z 5a1b Task timed out after 30.03 seconds\n": "Task timed out after 30.03 seconds",
		"RequestId: 5a1b Error: Runtime exited with error: exit status 1\n":  "Runtime exited with error: exit status 1",
		"hello from twofold: fine":                                           "", "": "",
	} {
		if got, ok := failureText(line); got != want || ok != (want != "") {
			t.Errorf("%q: %q, %t", line, got, ok)
		}
	}
}

//go:build e2e

package lambda

import (
	"bytes"
	"errors"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"

	"github.com/twofoldhq/twofold/manifest/schema"
	"github.com/twofoldhq/twofold/targets"
)

func TestVersionThatIsNotHealthyTakesNoTraffic(t *testing.T) {
	for _, test := range []struct {
		name, payload string
		failed        bool
		reason        string
		output        string
	}{
		{"503", `{"statusCode":503}`, false, "/healthz answered 503", ""},
		{"404", `{"statusCode":404}`, false, "/healthz answered 404", ""},
		{"exits", `{"errorMessage":"the app exited with status 3","errorType":"App.Exited","stackTrace":["app cannot start"]}`, true, "exited with status 3", "app cannot start"},
		{"no HTTP answer", `"hello"`, false, "no HTTP answer", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			motoCloud.set(nil, healthyApp)
			target, d := quick(t, nil), deploymentOf(environmentOf(t, 1))
			if _, err := target.Deploy(t.Context(), d); err != nil {
				t.Fatal(err)
			}
			motoCloud.set(nil, func(string, string, []byte) ([]byte, bool) { return []byte(test.payload), test.failed })
			two := d
			two.Release = releases.Two
			_, err := target.Deploy(t.Context(), two)
			var unhealthy *targets.NotHealthyError
			if !errors.As(err, &unhealthy) || !strings.Contains(unhealthy.Reason, test.reason) || unhealthy.Output != test.output {
				t.Errorf("deploy: %v, %+v", err, unhealthy)
			}
			checkAlias(t, d.Key)
			list, err := target.Status(t.Context(), targets.Filter(d.Key))
			if err != nil || len(list) != 1 || list[0].Release != d.Release.Digest {
				t.Errorf("status: %+v, %v", list, err)
			}
			converges(t, two)
			// A first deploy that fails leaves nothing.
			motoCloud.set(nil, func(string, string, []byte) ([]byte, bool) { return []byte(test.payload), test.failed })
			if _, err := target.Deploy(t.Context(), d); !errors.As(err, &unhealthy) {
				t.Errorf("first deploy: %v", err)
			}
			if existed, err := target.Destroy(t.Context(), d.Key); err != nil || existed {
				t.Errorf("a first deploy that failed leaves something: %t, %v", existed, err)
			}
		})
	}
}

func TestRoleThatIsNotKnownYetIsWaitedFor(t *testing.T) {
	refused := 0
	motoCloud.set(func(c call) verdict {
		if c.method == http.MethodPost && strings.HasSuffix(c.target, "/functions") && refused < 3 {
			refused++
			return verdict{answer: awsError(http.StatusBadRequest, "InvalidParameterValueException", "The role defined for the function cannot be assumed by Lambda.")}
		}
		return verdict{}
	}, healthyApp)
	d := deploymentOf(environmentOf(t, 1))
	if st, err := quick(t, nil).Deploy(t.Context(), d); err != nil || refused != 3 {
		t.Errorf("deploy: %+v, %v after %d refusals", st, err, refused)
	}
	converges(t, d)
}

// pending says "Pending" for the first answers about each version.
func pending(times int, state, update string) func(call) verdict {
	seen := map[string]int{}
	var mu sync.Mutex
	return func(c call) verdict {
		return verdict{edit: func(r *http.Response, body []byte) []byte {
			mu.Lock()
			defer mu.Unlock()
			if c.service != "lambda" || c.method != http.MethodGet || !bytes.Contains(body, []byte(`"State"`)) || seen[c.target] >= times {
				return body
			}
			seen[c.target]++
			body = bytes.ReplaceAll(body, []byte(`"State": "Active"`), []byte(`"State": "`+state+`"`))
			return bytes.ReplaceAll(body, []byte(`"LastUpdateStatus": "Successful"`), []byte(`"LastUpdateStatus": "`+update+`"`))
		}}
	}
}

func TestFunctionThatIsPendingIsWaitedFor(t *testing.T) {
	for _, test := range []struct{ name, state, update string }{
		{"pending", "Pending", "Successful"},
		{"updated", "Active", "InProgress"},
	} {
		t.Run(test.name, func(t *testing.T) {
			asked, looks := false, 0
			judge := pending(4, test.state, test.update)
			motoCloud.set(func(c call) verdict {
				if strings.HasSuffix(c.target, "?Qualifier=1") && c.method == http.MethodGet && !asked {
					looks++
				}
				asked = asked || strings.Contains(c.target, "/invocations")
				return judge(c)
			}, healthyApp)
			d := deploymentOf(environmentOf(t, 1))
			if _, err := quick(t, nil).Deploy(t.Context(), d); err != nil {
				t.Fatal(err)
			}
			if looks < 5 {
				t.Errorf("the version was looked at %d times before it was asked for its health, and it was not ready 4 times", looks)
			}
			converges(t, d)
		})
	}
}

func TestFunctionThatAWSCannotSetUpIsAnError(t *testing.T) {
	motoCloud.set(pending(1000, "Failed", "Successful"), healthyApp)
	d := deploymentOf(environmentOf(t, 1))
	if _, err := quick(t, nil).Deploy(t.Context(), d); err == nil || !strings.Contains(err.Error(), "could not set up") {
		t.Errorf("deploy: %v", err)
	}
	converges(t, d)
}

// TestChangeInBetweenIsLookedAtAgain lets AWS refuse each call that names a revision.
func TestChangeInBetweenIsLookedAtAgain(t *testing.T) {
	motoCloud.set(nil, healthyApp)
	d := deploymentOf(environmentOf(t, 1))
	if _, err := quick(t, nil).Deploy(t.Context(), d); err != nil {
		t.Fatal(err)
	}
	d.Release, d.Memory = releases.Two, 1024<<20
	refused := map[string]bool{}
	motoCloud.set(func(c call) verdict {
		if !bytes.Contains(c.body, []byte("RevisionId")) || refused[c.target] {
			return verdict{}
		}
		refused[c.target] = true
		return verdict{answer: awsError(http.StatusPreconditionFailed, "PreconditionFailedException", "The Revision Id provided does not match the latest Revision Id.")}
	}, healthyApp)
	if _, err := quick(t, nil).Deploy(t.Context(), d); err != nil {
		t.Error(err)
	}
	if len(refused) != 4 {
		t.Errorf("the calls that name a revision are %v, want code, configuration, versions and the alias", refused)
	}
	converges(t, d)
}

func TestFunctionOfSomebodyElseIsLeftAlone(t *testing.T) {
	motoCloud.set(nil, healthyApp)
	d, other := deploymentOf("x-y"), deploymentOf("y")
	d.Service, other.Service = "api", "api-x"
	target := quick(t, nil)
	if _, err := target.Deploy(t.Context(), d); err != nil {
		t.Fatal(err)
	}
	if _, err := target.Deploy(t.Context(), other); err == nil || !strings.Contains(err.Error(), `is that of project "shop", service "api", environment "x-y"`) {
		t.Errorf("deploy over a function of another key: %v", err)
	}
	if _, err := target.Destroy(t.Context(), other.Key); err == nil {
		t.Error("destroy of a function of another key returns no error")
	}
	converges(t, d)
}

func TestWhatWasChangedByHandIsShownAndMended(t *testing.T) {
	motoCloud.set(nil, healthyApp)
	target, d := quick(t, schema.Values{"log_retention_days": int64(30)}), deploymentOf(environmentOf(t, 1))
	if _, err := target.Deploy(t.Context(), d); err != nil {
		t.Fatal(err)
	}
	name := functionName(d.Key)
	for _, change := range []struct {
		attribute, method, path string
	}{
		{"public", http.MethodDelete, "/2015-03-31/functions/" + name + "/policy/twofold-url-invoke?Qualifier=live"},
		{"scale.max", http.MethodDelete, "/2017-10-31/functions/" + name + "/concurrency"},
		{"public", http.MethodDelete, "/2021-10-31/functions/" + name + "/url?Qualifier=live"},
	} {
		resp := askMoto(t, change.method, change.path, "")
		resp.Body.Close()
		p, err := target.Plan(t.Context(), d)
		if err != nil || p.Action != targets.ActionUpdate || len(p.Changes) != 1 || p.Changes[0].Name != change.attribute {
			t.Errorf("%s: plan: %+v, %v", change.path, p, err)
		}
		if st, err := target.Deploy(t.Context(), d); err != nil || !st.Changed {
			t.Errorf("%s: deploy: %+v, %v", change.path, st, err)
		}
		if p, err := target.Plan(t.Context(), d); err != nil || p.Action != targets.ActionNone {
			t.Errorf("%s: plan after deploy: %+v, %v", change.path, p, err)
		}
	}
	if _, err := target.Destroy(t.Context(), d.Key); err != nil {
		t.Error(err)
	}
}

func TestARoleThatWasChangedByHandIsMended(t *testing.T) {
	motoCloud.set(nil, healthyApp)
	target := quick(t, nil)
	d := withTriggers(deploymentOf(environmentOf(t, 1)), "", "")
	d.Triggers = nil
	if _, err := target.Deploy(t.Context(), d); err != nil {
		t.Fatal(err)
	}
	s, err := target.open(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	other := document(statement{Effect: "Allow", Principal: map[string]string{"Service": "ec2.amazonaws.com"}, Action: []string{"sts:AssumeRole"}})
	for name, attribute := range map[string]string{
		roleName(functionName(d.Key), s.region):             "role.policy",
		roleName("schedule-"+functionName(d.Key), s.region): "schedule.role",
	} {
		if _, err := s.iam.UpdateAssumeRolePolicy(t.Context(), &iam.UpdateAssumeRolePolicyInput{RoleName: &name, PolicyDocument: &other}); err != nil {
			t.Fatal(err)
		}
		mended(t, target, d, attribute)
		wider := document(statement{Effect: "Allow", Action: []string{"s3:GetObject"}, Resource: []string{"*"}})
		if _, err := s.iam.PutRolePolicy(t.Context(), &iam.PutRolePolicyInput{RoleName: &name, PolicyName: aws.String(policyName), PolicyDocument: &wider}); err != nil {
			t.Fatal(err)
		}
		mended(t, target, d, attribute)
		if role, err := s.observeRole(t.Context(), name); err != nil || strings.Contains(role.trust, "ec2") || strings.Contains(role.policy, "s3") {
			t.Errorf("the role is %+v, %v", role, err)
		}
	}
	converges(t, d)
}

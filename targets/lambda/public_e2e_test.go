//go:build e2e

package lambda

import (
	"net/http"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/apigatewayv2"
	awslambdaapi "github.com/aws/aws-sdk-go-v2/service/lambda"

	"github.com/twofoldhq/twofold/manifest/schema"
	"github.com/twofoldhq/twofold/targets"
)

// deployedTwice deploys and checks that the second time finds nothing to do, and that
// the plan agrees.
func deployedTwice(t *testing.T, target *Target, d targets.Deployment) targets.Status {
	t.Helper()
	st, err := target.Deploy(t.Context(), d)
	if err != nil {
		t.Fatal(err)
	}
	if plan, err := target.Plan(t.Context(), d); err != nil || plan.Action != targets.ActionNone {
		t.Errorf("plan of what runs: %+v, %v", plan, err)
	}
	if again, err := target.Deploy(t.Context(), d); err != nil || again.Changed {
		t.Errorf("deployed twice: %+v, %v", again, err)
	}
	return st
}

// mended checks that a plan shows what was changed by hand as the attribute, and that a
// deploy takes it back.
func mended(t *testing.T, target *Target, d targets.Deployment, attribute string) {
	t.Helper()
	plan, err := target.Plan(t.Context(), d)
	if err != nil || plan.Action != targets.ActionUpdate || len(plan.Changes) != 1 || plan.Changes[0].Name != attribute {
		t.Fatalf("plan of what was changed by hand: %+v, %v", plan, err)
	}
	deployedTwice(t, target, d)
}

func TestAPI(t *testing.T) {
	motoCloud.set(nil, healthyApp)
	target, d := quick(t, schema.Values{"public": "api"}), deploymentOf(environmentOf(t, 1))
	st := deployedTwice(t, target, d)
	if !strings.Contains(st.URL, ".execute-api.eu-west-1.") {
		t.Errorf("the URL is %q", st.URL)
	}
	s, err := target.open(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	name := functionName(d.Key)
	api := func() *observedAPI {
		o, err := s.observeAPI(t.Context(), name, ownTags(d.Key))
		if err != nil {
			t.Fatal(err)
		}
		return o
	}
	first := api()
	if !first.whole(s.aliasARN(name)) {
		t.Fatalf("the API is %+v", first)
	}
	t.Run("route", func(t *testing.T) {
		if _, err := s.gateway.DeleteRoute(t.Context(), &apigatewayv2.DeleteRouteInput{ApiId: &first.id, RouteId: first.route.RouteId}); err != nil {
			t.Fatal(err)
		}
		mended(t, target, d, "public")
	})
	t.Run("integration", func(t *testing.T) {
		_, err := s.gateway.UpdateIntegration(t.Context(), &apigatewayv2.UpdateIntegrationInput{
			ApiId: &first.id, IntegrationId: api().integration.IntegrationId, IntegrationUri: aws.String(s.aliasARN("another")),
		})
		if err != nil {
			t.Fatal(err)
		}
		mended(t, target, d, "public")
	})
	t.Run("stage", func(t *testing.T) {
		if _, err := s.gateway.DeleteStage(t.Context(), &apigatewayv2.DeleteStageInput{ApiId: &first.id, StageName: aws.String(everything)}); err != nil {
			t.Fatal(err)
		}
		mended(t, target, d, "public")
	})
	t.Run("permission", func(t *testing.T) {
		_, err := s.lambda.RemovePermission(t.Context(), &awslambdaapi.RemovePermissionInput{FunctionName: &name, Qualifier: aws.String(aliasName), StatementId: aws.String("twofold-api")})
		if err != nil {
			t.Fatal(err)
		}
		mended(t, target, d, "public")
	})
	if now := api(); now.id != first.id {
		t.Errorf("the API was replaced: %s, and it was %s", now.id, first.id)
	}
	t.Run("gone", func(t *testing.T) {
		if err := s.deleteAPI(t.Context(), first.id); err != nil {
			t.Fatal(err)
		}
		mended(t, target, d, "public")
	})
	t.Run("twin", func(t *testing.T) {
		if _, err := s.makeAPI(t.Context(), &wanted{name: name, tags: ownTags(d.Key)}, &observed{grants: map[string]bool{"twofold-api": true}, sources: map[string]string{}}); err != nil {
			t.Fatal(err)
		}
		if len(api().twins) != 1 {
			t.Fatalf("the twins are %v", api().twins)
		}
		mended(t, target, d, "public")
	})
	t.Run("to a URL and back", func(t *testing.T) {
		byURL := quick(t, nil)
		if st := deployedTwice(t, byURL, d); !strings.Contains(st.URL, "lambda-url") || api() != nil {
			t.Errorf("with a URL: %q, %+v", st.URL, api())
		}
		if st := deployedTwice(t, target, d); !strings.Contains(st.URL, "execute-api") {
			t.Errorf("with an API again: %q", st.URL)
		}
	})
	// A target block without public = "api" removes it too.
	if existed, err := quick(t, nil).Destroy(t.Context(), d.Key); err != nil || !existed {
		t.Errorf("destroy: %t, %v", existed, err)
	}
	if api() != nil {
		t.Error("the API is still there")
	}
}

// A deploy that is cut off after any call leaves an API that the next one finds, or
// that destroy removes.
func TestAPIInterrupted(t *testing.T) {
	for n := 1; ; n++ {
		target, d := quick(t, schema.Values{"public": "api"}), deploymentOf(environmentOf(t, n))
		cut, writes := false, 0
		motoCloud.set(func(c call) verdict {
			if c.service != "apigateway" || c.method == http.MethodGet {
				return verdict{}
			}
			if writes++; writes >= n {
				cut = true
			}
			return verdict{after: cut}
		}, healthyApp)
		_, err := target.Deploy(t.Context(), d)
		motoCloud.set(nil, healthyApp)
		if !cut {
			if err != nil {
				t.Error(err)
			}
			return
		}
		if err == nil {
			t.Fatalf("cut at call %d: no error", n)
		}
		deployedTwice(t, target, d)
		s, err := target.open(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if o, err := s.observeAPI(t.Context(), functionName(d.Key), ownTags(d.Key)); err != nil || o == nil || len(o.twins) > 0 {
			t.Errorf("cut at call %d: the API is %+v, %v", n, o, err)
		}
		if _, err := target.Destroy(t.Context(), d.Key); err != nil {
			t.Error(err)
		}
	}
}

func TestStreamedURL(t *testing.T) {
	motoCloud.set(nil, healthyApp)
	d := deploymentOf(environmentOf(t, 1))
	streamed := quick(t, schema.Values{"response": "stream"})
	deployedTwice(t, streamed, d)
	s, err := streamed.open(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	o, err := s.observe(t.Context(), d.Key)
	if err != nil || !o.streams || o.live.config.env["TWOFOLD_RESPONSE_MODE"] != "stream" {
		t.Errorf("streamed: %+v, %v", o, err)
	}
	// moto takes the call that changes the mode, and leaves it as it was.
	motoCloud.set(nil, healthyApp)
	if _, err := quick(t, nil).Deploy(t.Context(), d); err != nil {
		t.Fatal(err)
	}
	sent := false
	for _, c := range motoCloud.made() {
		sent = sent || c.method == http.MethodPut && strings.Contains(c.target, "/url?") && strings.Contains(string(c.body), `"InvokeMode":"BUFFERED"`)
	}
	if !sent {
		t.Errorf("no call makes the URL a buffered one: %v", motoCloud.made())
	}
	if o, err = s.observe(t.Context(), d.Key); err != nil || o.live.config.env["TWOFOLD_RESPONSE_MODE"] != "" {
		t.Errorf("buffered: %+v, %v", o, err)
	}
}

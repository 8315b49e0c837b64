package lambda

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/service/apigatewayv2"
	gatewaytypes "github.com/aws/aws-sdk-go-v2/service/apigatewayv2/types"
)

// What requests come through: the choices of the setting public.
const (
	publicURL = "url"
	publicAPI = "api"
	publicALB = "alb"
)

const (
	// everything is the name of the one route, and of the one stage, of an HTTP API:
	// each path and each method go to the function, and the stage adds nothing to paths.
	everything = "$default"
	// payload is the event that the adapter reads, and that a function URL sends as well.
	payload = "2.0"
)

// observedAPI is an HTTP API as API Gateway has it.
type observedAPI struct {
	id, endpoint string
	// closed is an API whose own address was turned off.
	closed      bool
	integration *gatewaytypes.Integration // the one that the route goes to, if any
	route       *gatewaytypes.Route
	stage       *gatewaytypes.Stage
	// twins are other APIs of the same deployment: two deploys made one each.
	twins []string
}

// observeAPI returns nil where a deployment has no HTTP API. It is told from others by
// its tags, since API Gateway lets many APIs have one name.
func (s *session) observeAPI(ctx context.Context, name string, tags map[string]string) (*observedAPI, error) {
	var found []gatewaytypes.Api
	for in := (&apigatewayv2.GetApisInput{}); ; {
		page, err := s.gateway.GetApis(ctx, in)
		if err != nil {
			return nil, problem("look for the HTTP API", name, err)
		}
		for _, one := range page.Items {
			if aws.ToString(one.Name) == name && covers(one.Tags, tags) {
				found = append(found, one)
			}
		}
		if aws.ToString(page.NextToken) == "" {
			break
		}
		in.NextToken = page.NextToken
	}
	if len(found) == 0 {
		return nil, nil
	}
	// All machines choose the same one of twins.
	slices.SortFunc(found, func(a, b gatewaytypes.Api) int { return cmp.Compare(aws.ToString(a.ApiId), aws.ToString(b.ApiId)) })
	o := &observedAPI{id: aws.ToString(found[0].ApiId), endpoint: aws.ToString(found[0].ApiEndpoint), closed: aws.ToBool(found[0].DisableExecuteApiEndpoint)}
	for _, twin := range found[1:] {
		o.twins = append(o.twins, aws.ToString(twin.ApiId))
	}
	return o, s.observeRoute(ctx, o)
}

func (s *session) observeRoute(ctx context.Context, o *observedAPI) error {
	for in := (&apigatewayv2.GetRoutesInput{ApiId: &o.id}); ; {
		page, err := s.gateway.GetRoutes(ctx, in)
		if err != nil {
			return problem("read the routes of HTTP API", o.id, err)
		}
		for _, one := range page.Items {
			if aws.ToString(one.RouteKey) == everything {
				o.route = &one
			}
		}
		if aws.ToString(page.NextToken) == "" {
			break
		}
		in.NextToken = page.NextToken
	}
	for in := (&apigatewayv2.GetIntegrationsInput{ApiId: &o.id}); ; {
		page, err := s.gateway.GetIntegrations(ctx, in)
		if err != nil {
			return problem("read the integrations of HTTP API", o.id, err)
		}
		for _, one := range page.Items {
			if o.integration == nil || o.route != nil && aws.ToString(o.route.Target) == integrationTarget(&one) {
				o.integration = &one
			}
		}
		if aws.ToString(page.NextToken) == "" {
			break
		}
		in.NextToken = page.NextToken
	}
	for in := (&apigatewayv2.GetStagesInput{ApiId: &o.id}); ; {
		page, err := s.gateway.GetStages(ctx, in)
		if err != nil {
			return problem("read the stages of HTTP API", o.id, err)
		}
		for _, one := range page.Items {
			if aws.ToString(one.StageName) == everything {
				o.stage = &one
			}
		}
		if aws.ToString(page.NextToken) == "" {
			return nil
		}
		in.NextToken = page.NextToken
	}
}

func integrationTarget(i *gatewaytypes.Integration) string {
	return "integrations/" + aws.ToString(i.IntegrationId)
}

// The parts of an HTTP API that are as a deployment wants them.

func (o *observedAPI) integrated(function string) bool {
	i := o.integration
	return i != nil && i.IntegrationType == gatewaytypes.IntegrationTypeAwsProxy && aws.ToString(i.IntegrationUri) == function && aws.ToString(i.PayloadFormatVersion) == payload
}

func (o *observedAPI) routed() bool {
	return o.route != nil && o.integration != nil && aws.ToString(o.route.Target) == integrationTarget(o.integration) &&
		(o.route.AuthorizationType == "" || o.route.AuthorizationType == gatewaytypes.AuthorizationTypeNone)
}

func (o *observedAPI) staged() bool { return o.stage != nil && aws.ToBool(o.stage.AutoDeploy) }

// whole reports whether requests that reach the API reach the alias.
func (o *observedAPI) whole(function string) bool {
	return o != nil && len(o.twins) == 0 && o.integrated(function) && o.routed() && o.staged()
}

// apiSource is the ARN of what calls the function for an HTTP API: each of its stages
// and routes.
func (s *session) apiSource(id string) string {
	return fmt.Sprintf("arn:%s:execute-api:%s:%s:%s/*", s.partition, s.region, s.account, id)
}

// makeAPI makes the HTTP API what it should be, and returns it. It reports whether it
// changed anything.
func (s *session) makeAPI(ctx context.Context, w *wanted, o *observed) (bool, error) {
	api, changed := o.api, false
	if api == nil {
		out, err := s.gateway.CreateApi(ctx, &apigatewayv2.CreateApiInput{
			Name: &w.name, ProtocolType: gatewaytypes.ProtocolTypeHttp, Tags: w.tags,
			Description: aws.String("The function of this name. twofold deploy makes it, and twofold destroy removes it."),
		})
		if err != nil {
			return false, problem("create HTTP API", w.name, err)
		}
		api, changed = &observedAPI{id: aws.ToString(out.ApiId), endpoint: aws.ToString(out.ApiEndpoint)}, true
		if attempts, ok := retry.GetAttemptResults(out.ResultMetadata); ok && len(attempts.Results) > 1 {
			// A try whose answer was lost may have made one as well.
			found, err := s.observeAPI(ctx, w.name, w.tags)
			if err != nil {
				return changed, err
			}
			if found != nil {
				api = found
			}
		}
		o.api = api
	}
	for _, twin := range api.twins {
		if err := s.deleteAPI(ctx, twin); err != nil {
			return changed, err
		}
		changed = true
	}
	if api.closed && (w.domain == "" || !o.domain.serves(api)) {
		if _, err := s.gateway.UpdateApi(ctx, &apigatewayv2.UpdateApiInput{ApiId: &api.id, DisableExecuteApiEndpoint: aws.Bool(false)}); err != nil {
			return changed, problem("open HTTP API", w.name, err)
		}
		changed = true
	}
	routed, err := s.makeRoute(ctx, w, api)
	changed = changed || routed
	if err != nil {
		return changed, err
	}
	granted, err := s.grant(ctx, w.name, o, "twofold-api", "apigateway.amazonaws.com", s.apiSource(api.id))
	return changed || granted, err
}

// makeRoute makes integration, route and stage, in the order in which a request can
// use them last.
func (s *session) makeRoute(ctx context.Context, w *wanted, api *observedAPI) (changed bool, err error) {
	function := s.aliasARN(w.name)
	switch {
	case api.integration == nil:
		out, err := s.gateway.CreateIntegration(ctx, &apigatewayv2.CreateIntegrationInput{
			ApiId: &api.id, IntegrationType: gatewaytypes.IntegrationTypeAwsProxy, IntegrationUri: &function, PayloadFormatVersion: aws.String(payload),
		})
		if err != nil {
			return changed, problem("connect HTTP API", w.name, err)
		}
		api.integration, changed = &gatewaytypes.Integration{IntegrationId: out.IntegrationId}, true
	case !api.integrated(function):
		_, err := s.gateway.UpdateIntegration(ctx, &apigatewayv2.UpdateIntegrationInput{
			ApiId: &api.id, IntegrationId: api.integration.IntegrationId, IntegrationType: gatewaytypes.IntegrationTypeAwsProxy,
			IntegrationUri: &function, PayloadFormatVersion: aws.String(payload),
		})
		if err != nil {
			return changed, problem("connect HTTP API", w.name, err)
		}
		changed = true
	}
	target := integrationTarget(api.integration)
	switch {
	case api.route == nil:
		_, err = s.gateway.CreateRoute(ctx, &apigatewayv2.CreateRouteInput{ApiId: &api.id, RouteKey: aws.String(everything), Target: &target})
		changed = true
	case !api.routed():
		_, err = s.gateway.UpdateRoute(ctx, &apigatewayv2.UpdateRouteInput{
			ApiId: &api.id, RouteId: api.route.RouteId, Target: &target, AuthorizationType: gatewaytypes.AuthorizationTypeNone,
		})
		changed = true
	}
	if err != nil {
		return changed, problem("route the requests of HTTP API", w.name, err)
	}
	switch {
	case api.stage == nil:
		_, err = s.gateway.CreateStage(ctx, &apigatewayv2.CreateStageInput{ApiId: &api.id, StageName: aws.String(everything), AutoDeploy: aws.Bool(true), Tags: w.tags})
		changed = true
	case !api.staged():
		_, err = s.gateway.UpdateStage(ctx, &apigatewayv2.UpdateStageInput{ApiId: &api.id, StageName: aws.String(everything), AutoDeploy: aws.Bool(true)})
		changed = true
	}
	if err != nil {
		return changed, problem("publish HTTP API", w.name, err)
	}
	return changed, nil
}

// removeAPI reports whether there was one.
func (s *session) removeAPI(ctx context.Context, name string, o *observed) (bool, error) {
	revoked, err := s.revoke(ctx, name, o, "twofold-api")
	if err != nil || o.api == nil {
		return revoked, err
	}
	for _, id := range append([]string{o.api.id}, o.api.twins...) {
		if err := s.deleteAPI(ctx, id); err != nil {
			return true, err
		}
	}
	return true, nil
}

func (s *session) deleteAPI(ctx context.Context, id string) error {
	_, err := s.gateway.DeleteApi(ctx, &apigatewayv2.DeleteApiInput{ApiId: &id})
	if err != nil && code(err) != "NotFoundException" {
		return problem("delete HTTP API", id, err)
	}
	return nil
}

// url is the address of the API.
func (o *observedAPI) url() string { return strings.TrimRight(o.endpoint, "/") }

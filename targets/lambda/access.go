package lambda

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
	awslambdaapi "github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
)

// grants are the statements that let everybody call a function URL. Both are needed
// since October 2025. Source: "Control access to Lambda function URLs",
// https://docs.aws.amazon.com/lambda/latest/dg/urls-auth.html
func grants(name string) []*awslambdaapi.AddPermissionInput {
	return []*awslambdaapi.AddPermissionInput{
		{
			FunctionName: &name, Qualifier: aws.String(aliasName), StatementId: aws.String("twofold-url"), Principal: aws.String("*"),
			Action: aws.String("lambda:InvokeFunctionUrl"), FunctionUrlAuthType: types.FunctionUrlAuthTypeNone,
		},
		{
			FunctionName: &name, Qualifier: aws.String(aliasName), StatementId: aws.String("twofold-url-invoke"), Principal: aws.String("*"),
			Action: aws.String("lambda:InvokeFunction"), InvokedViaFunctionUrl: aws.Bool(true),
		},
	}
}

// open reports whether everybody can call the URL.
func (o *observed) open() bool {
	for _, g := range grants("") {
		if !o.grants[*g.StatementId] {
			return false
		}
	}
	return o.url != "" && !o.signed
}

// granted reports whether there is one of the statements.
func (o *observed) granted() bool {
	for _, g := range grants("") {
		if o.grants[*g.StatementId] {
			return true
		}
	}
	return false
}

// invokeMode is how the URL hands over answers.
func (w *wanted) invokeMode() types.InvokeMode {
	if w.stream {
		return types.InvokeModeResponseStream
	}
	return types.InvokeModeBuffered
}

// makeURL gives the alias its URL, or takes it away. It reports whether it changed
// anything.
func (s *session) makeURL(ctx context.Context, w *wanted, o *observed) (bool, error) {
	changed := false
	if w.public != publicURL {
		return s.removeURL(ctx, w.name, o)
	}
	if o.url == "" {
		_, err := s.lambda.CreateFunctionUrlConfig(ctx, &awslambdaapi.CreateFunctionUrlConfigInput{
			FunctionName: &w.name, Qualifier: aws.String(aliasName), AuthType: types.FunctionUrlAuthTypeNone, InvokeMode: w.invokeMode(),
		})
		if err != nil {
			return changed, problem("create the URL of function", w.name, err)
		}
		changed = true
	} else if o.signed || o.streams != w.stream {
		_, err := s.lambda.UpdateFunctionUrlConfig(ctx, &awslambdaapi.UpdateFunctionUrlConfigInput{
			FunctionName: &w.name, Qualifier: aws.String(aliasName), AuthType: types.FunctionUrlAuthTypeNone, InvokeMode: w.invokeMode(),
		})
		if err != nil {
			return changed, problem("update the URL of function", w.name, err)
		}
		changed = true
	}
	for _, g := range grants(w.name) {
		if o.grants[*g.StatementId] {
			continue
		}
		if _, err := s.lambda.AddPermission(ctx, g); err != nil {
			return changed, problem("open the URL of function", w.name, err)
		}
		changed = true
	}
	return changed, nil
}

func (s *session) removeURL(ctx context.Context, name string, o *observed) (bool, error) {
	changed := false
	for _, g := range grants(name) {
		if !o.grants[*g.StatementId] {
			continue
		}
		_, err := s.lambda.RemovePermission(ctx, &awslambdaapi.RemovePermissionInput{FunctionName: &name, Qualifier: aws.String(aliasName), StatementId: g.StatementId})
		if err != nil && !missing(err) {
			return changed, problem("close the URL of function", name, err)
		}
		changed = true
	}
	if o.url == "" {
		return changed, nil
	}
	_, err := s.lambda.DeleteFunctionUrlConfig(ctx, &awslambdaapi.DeleteFunctionUrlConfigInput{FunctionName: &name, Qualifier: aws.String(aliasName)})
	if err != nil && !missing(err) {
		return changed, problem("delete the URL of function", name, err)
	}
	return true, nil
}

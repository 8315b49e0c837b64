package lambda

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/aws/smithy-go"
)

func TestMissingPermissionIsGivenAsStatement(t *testing.T) {
	for _, test := range []struct {
		name, code, message, want string
	}{
		{
			"lambda", "AccessDeniedException",
			"User: arn:aws:iam::123456789012:user/ci is not authorized to perform: lambda:CreateFunction on resource: arn:aws:lambda:eu-west-1:123456789012:function:shop-api-prod because no identity-based policy allows the lambda:CreateFunction action",
			`{"Effect": "Allow", "Action": "lambda:CreateFunction", "Resource": "arn:aws:lambda:eu-west-1:123456789012:function:shop-api-prod"}`,
		},
		{
			"iam", "AccessDenied",
			"User: arn:aws:iam::123456789012:user/ci is not authorized to perform: iam:PassRole on resource: arn:aws:iam::123456789012:role/twofold-x",
			`{"Effect": "Allow", "Action": "iam:PassRole", "Resource": "arn:aws:iam::123456789012:role/twofold-x"}`,
		},
		{"no resource", "AccessDenied", "User: x is not authorized to perform: lambda:ListFunctions", `"Resource": "*"`},
		{"denied explicitly", "AccessDenied", "User: x is not authorized to perform: logs:CreateLogGroup on resource: arn:aws:logs:eu-west-1:1:log-group:g with an explicit deny in a service control policy", "no statement that allows it helps"},
	} {
		err := problem("create function", "f", &smithy.GenericAPIError{Code: test.code, Message: test.message})
		if !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: %v", test.name, err)
		}
		if strings.Contains(test.name, "denied") == strings.Contains(err.Error(), `"Effect"`) {
			t.Errorf("%s: %v", test.name, err)
		}
	}
	if err := problem("create function", "f", errors.New("no route")); strings.Contains(err.Error(), "Effect") {
		t.Errorf("another error: %v", err)
	}
}

func TestErrorsShowNoValuesOfVariables(t *testing.T) {
	cause := errors.New("environment.variables: {TOKEN=hunter22} is wrong")
	err := conceal(t.Context(), map[string]string{"TOKEN": "hunter22", "A": "is"}, fmt.Errorf("deploy: %w", cause))
	if strings.Contains(err.Error(), "hunter22") || !strings.Contains(err.Error(), "(value of TOKEN)") || !errors.Is(err, cause) {
		t.Errorf("%v", err)
	}
	over, cancel := context.WithCancel(t.Context())
	cancel()
	if err := conceal(over, nil, cause); !errors.Is(err, context.Canceled) {
		t.Errorf("a cancelled operation returns %v", err)
	}
}

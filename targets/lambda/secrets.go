package lambda

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/aws/aws-sdk-go-v2/service/ssm"

	"github.com/twofoldhq/twofold/targets"
)

// The variables that tell the adapter where the values of secrets are, and how often it
// looks for new ones. None of them holds a value.
const (
	secretsVariable = "TWOFOLD_SECRETS"
	refreshVariable = "TWOFOLD_SECRETS_REFRESH"
)

// reference is where the value of a secret is.
type reference struct {
	// parameter: it is in the Parameter Store, and not in Secrets Manager.
	parameter bool
	// name is a name or an ARN, without the member that is chosen.
	name string
}

// parameterMark begins the name of a parameter.
const parameterMark = "ssm:"

func referenceOf(from string) reference {
	name, _, _ := strings.Cut(from, "#")
	if rest, ok := strings.CutPrefix(name, parameterMark); ok {
		return reference{parameter: true, name: rest}
	}
	if strings.HasPrefix(name, "arn:") {
		if parts := strings.SplitN(name, ":", 4); len(parts) > 2 && parts[2] == "ssm" {
			return reference{parameter: true, name: name}
		}
	}
	return reference{name: name}
}

// secretsValue is the value of secretsVariable, or "".
func secretsValue(list []targets.Secret) string {
	if len(list) == 0 {
		return ""
	}
	type row struct {
		Name string `json:"name"`
		From string `json:"from"`
	}
	var rows []row
	for _, s := range list {
		rows = append(rows, row{s.Name, s.From})
	}
	b, _ := json.Marshal(rows) // strings are always encoded
	return string(b)
}

// arns of a secret or a parameter, for a policy. Secrets Manager adds six characters to
// a name, which nobody knows before.
func (r reference) arn(partition, region, account string) string {
	switch {
	case strings.HasPrefix(r.name, "arn:"):
		return r.name
	case r.parameter:
		return fmt.Sprintf("arn:%s:ssm:%s:%s:parameter/%s", partition, region, account, strings.TrimPrefix(r.name, "/"))
	}
	return fmt.Sprintf("arn:%s:secretsmanager:%s:%s:secret:%s-??????", partition, region, account, r.name)
}

// secretRights let a function read its secrets, and nothing else. A key of the
// customer's is used through the two services alone, and for these secrets alone.
// Sources: "Permissions for Lambda functions" in the Secrets Manager user guide, and
// "Restricting access to Parameter Store parameters using IAM policies".
func (s *session) secretRights(list []targets.Secret) []statement {
	var secrets, parameters []string
	for _, one := range list {
		r := referenceOf(one.From)
		arn := r.arn(s.partition, s.region, s.account)
		if r.parameter {
			parameters = append(parameters, arn)
		} else {
			secrets = append(secrets, arn)
		}
	}
	var rights []statement
	key := func(sid, service, context string, arns []string) statement {
		return statement{
			Sid: sid, Effect: "Allow", Action: []string{"kms:Decrypt"}, Resource: []string{"*"},
			Condition: map[string]map[string][]string{
				"StringEquals": {"kms:ViaService": s.hostsOfService(service)},
				"StringLike":   {"kms:EncryptionContext:" + context: arns},
			},
		}
	}
	if len(secrets) > 0 {
		rights = append(rights,
			statement{Sid: "Secrets", Effect: "Allow", Action: []string{"secretsmanager:GetSecretValue"}, Resource: secrets},
			key("SecretKeys", "secretsmanager", "SecretARN", secrets))
	}
	if len(parameters) > 0 {
		rights = append(rights,
			statement{Sid: "Parameters", Effect: "Allow", Action: []string{"ssm:GetParameters"}, Resource: parameters},
			key("ParameterKeys", "ssm", "PARAMETER_ARN", parameters))
	}
	return rights
}

// secrets returns an error that names each secret that is not there. It reads no value.
func (t *Target) secrets(ctx context.Context, d targets.Deployment) error {
	if len(d.Secrets) == 0 {
		return nil
	}
	s, err := t.open(ctx)
	if err != nil {
		return fmt.Errorf("%s: secrets of %q: %w", t.address(), d.Service, err)
	}
	var problems []error
	for _, one := range d.Secrets {
		if err := s.findSecret(ctx, one); err != nil {
			if ctx.Err() != nil {
				return ctx.Err()
			}
			problems = append(problems, fmt.Errorf("%s: secret %q of %q: %w", t.address(), one.Name, d.Service, err))
		}
	}
	return errors.Join(problems...)
}

func (s *session) findSecret(ctx context.Context, one targets.Secret) error {
	r := referenceOf(one.From)
	if r.parameter {
		// Without decryption the answer holds no secret.
		out, err := s.ssm.GetParameters(ctx, &ssm.GetParametersInput{Names: []string{r.name}})
		if err != nil {
			return problem("look for parameter", r.name, err)
		}
		if len(out.InvalidParameters) > 0 {
			return fmt.Errorf("there is no parameter %q in %s: make it with \"aws ssm put-parameter --region %s --type SecureString --name %s --value file://FILE\"", r.name, s.region, s.region, r.name)
		}
		return nil
	}
	_, err := s.secretsManager.DescribeSecret(ctx, &secretsmanager.DescribeSecretInput{SecretId: &r.name})
	if missing(err) {
		return fmt.Errorf("there is no secret %q in %s: make it with \"aws secretsmanager create-secret --region %s --name %s --secret-string file://FILE\"", r.name, s.region, s.region, r.name)
	}
	if err != nil {
		return problem("look for secret", r.name, err)
	}
	return nil
}

// readRefresh reads how often the values are read again; "" is the adapter's default.
func readRefresh(text string) (string, error) {
	if text == "" || text == "0" {
		return text, nil
	}
	d, err := time.ParseDuration(text)
	if err != nil || d < 0 {
		return "", wrong("secrets_refresh", fmt.Sprintf("%q is not a duration", text), "Write one such as \"5m\", or \"0\" for never.")
	}
	return d.String(), nil
}

// hostsOfService are what KMS may call a service by. In China the services' hosts end
// otherwise, and the page of kms:ViaService does not say which of the two is meant.
func (s *session) hostsOfService(service string) []string {
	hosts := []string{service + "." + s.region + ".amazonaws.com"}
	if s.partition == "aws-cn" {
		hosts = append(hosts, hosts[0]+".cn")
	}
	return hosts
}

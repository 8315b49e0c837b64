//go:build e2e

package lambda

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	ssmtypes "github.com/aws/aws-sdk-go-v2/service/ssm/types"
	"github.com/google/go-cmp/cmp"
)

// readValues runs the program that a bundle with secrets holds, as the adapter does.
func readValues(t *testing.T, c *cloud, program string, list [][2]string) (values map[string]string, problem string) {
	t.Helper()
	type row struct {
		Name string `json:"name"`
		From string `json:"from"`
	}
	var rows []row
	for _, one := range list {
		rows = append(rows, row{one[0], one[1]})
	}
	text, err := json.Marshal(rows)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), program)
	cmd.Env = []string{
		"TWOFOLD_SECRETS=" + string(text), "AWS_ENDPOINT_URL=" + c.url, "AWS_REGION=eu-west-1",
		"AWS_ACCESS_KEY_ID=" + c.key, "AWS_SECRET_ACCESS_KEY=test", "AWS_SESSION_TOKEN=token",
	}
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		if stdout.Len() > 0 {
			t.Errorf("it failed and wrote %q", stdout.Bytes())
		}
		return nil, stderr.String()
	}
	if err := json.Unmarshal(stdout.Bytes(), &values); err != nil {
		t.Fatal(err)
	}
	return values, stderr.String()
}

// TestTheProgramReadsTheValuesOfSecrets holds the program of adapter/secrets against the
// stores of moto.
func TestTheProgramReadsTheValuesOfSecrets(t *testing.T) {
	program := filepath.Join(t.TempDir(), "twofold-secrets")
	if out, err := exec.CommandContext(t.Context(), "go", "build", "-o", program, "github.com/twofoldhq/twofold/adapter/secrets").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	c := motoFront.cloud("values")
	s, ctx := c.keyed(t), t.Context()
	var arn string
	for name, in := range map[string]*secretsmanager.CreateSecretInput{
		"plain":  {SecretString: aws.String("postgres://shop:p%40ss@db/shop")},
		"object": {SecretString: aws.String(`{"user":"shop","password":"ünsafe \"quoted\"","port":5432}`)},
		"bytes":  {SecretBinary: []byte("text in bytes\n")},
		"blob":   {SecretBinary: []byte{0xff, 0x00, 0xfe}},
	} {
		in.Name = aws.String("shop/" + name)
		made, err := s.secretsManager.CreateSecret(ctx, in)
		if err != nil {
			t.Fatal(err)
		}
		if name == "plain" {
			arn = aws.ToString(made.ARN)
		}
	}
	put := func(name, value string, kind ssmtypes.ParameterType) {
		if _, err := s.ssm.PutParameter(ctx, &ssm.PutParameterInput{Name: &name, Value: &value, Type: kind}); err != nil {
			t.Fatal(err)
		}
	}
	list := [][2]string{
		{"PLAIN", "shop/plain"}, {"BY_ARN", arn}, {"USER", "shop/object#user"}, {"PASSWORD", "shop/object#password"}, {"PORT", "shop/object#port"}, {"BYTES", "shop/bytes"},
		{"LIST", "ssm:/shop/list"},
	}
	want := map[string]string{
		"PLAIN": "postgres://shop:p%40ss@db/shop", "BY_ARN": "postgres://shop:p%40ss@db/shop", "USER": "shop", "PASSWORD": `ünsafe "quoted"`, "PORT": "5432", "BYTES": "text in bytes\n",
		"LIST": "a,b",
	}
	put("/shop/list", "a,b", ssmtypes.ParameterTypeStringList)
	for n := range 21 { // more than two calls of GetParameters take
		name, value := fmt.Sprintf("P%d", n), fmt.Sprintf("parameter number %d", n)
		put("/shop/"+name, value, ssmtypes.ParameterTypeSecureString)
		list, want[name] = append(list, [2]string{name, "ssm:/shop/" + name}), value
	}
	c.set(nil, nil)
	values, problem := readValues(t, c, program, list)
	if diff := cmp.Diff(want, values); diff != "" || problem != "" {
		t.Errorf("%s\n%s", problem, diff)
	}
	counts := map[string]int{}
	for _, one := range c.made() {
		counts[one.target]++
	}
	if want := map[string]int{"secretsmanager.GetSecretValue": 4, "AmazonSSM.GetParameters": 3}; !cmp.Equal(counts, want) {
		t.Errorf("the calls are %v, want %v: each secret once, and ten parameters a call", counts, want)
	}

	t.Run("faults", func(t *testing.T) {
		for name, v := range map[string]verdict{
			"throttled": {answer: awsError(http.StatusBadRequest, "ThrottlingException", "Rate exceeded")},
			"error":     {answer: awsError(http.StatusInternalServerError, "InternalServiceError", "it is our fault")},
			"cut":       {after: true},
		} {
			c.set(func(one call) verdict {
				if one.n <= 2 {
					return v
				}
				return verdict{}
			}, nil)
			values, problem := readValues(t, c, program, list)
			if diff := cmp.Diff(want, values); diff != "" {
				t.Errorf("%s: %s\n%s", name, problem, diff)
			}
		}
	})
	t.Run("what cannot be read", func(t *testing.T) {
		c.set(nil, nil)
		values, problem := readValues(t, c, program, append(slices.Clone(list),
			[2]string{"GONE", "shop/gone"}, [2]string{"NO_MEMBER", "shop/object#host"}, [2]string{"BLOB", "shop/blob"}, [2]string{"NO_PARAMETER", "ssm:/shop/gone"}))
		if values != nil {
			t.Errorf("values although some are missing: %v", values)
		}
		for _, name := range []string{"GONE", "NO_MEMBER", "BLOB", "NO_PARAMETER"} {
			if !strings.Contains(problem, `"`+name+`"`) {
				t.Errorf("%s is not named: %s", name, problem)
			}
		}
		for name, value := range want {
			if len(value) > 5 && strings.Contains(problem, value) {
				t.Errorf("the value of %s is in: %s", name, problem)
			}
		}
	})
	t.Run("denied", func(t *testing.T) {
		c.set(func(call) verdict {
			return verdict{answer: awsError(http.StatusBadRequest, "AccessDeniedException", "User: arn:aws:sts::123456789012:assumed-role/x is not authorized to perform: secretsmanager:GetSecretValue on resource: shop/plain because no identity-based policy allows it")}
		}, nil)
		values, problem := readValues(t, c, program, list[:1])
		if values != nil || !strings.Contains(problem, "GetSecretValue") || !strings.Contains(problem, `"PLAIN"`) {
			t.Errorf("%v, %s", values, problem)
		}
		if n := len(c.made()); n != 1 {
			t.Errorf("what is denied is asked for %d times", n)
		}
	})
}

//go:build e2e

package e2e

import (
	"context"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	awslambda "github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/resourcegroupstaggingapi"
	taggingtypes "github.com/aws/aws-sdk-go-v2/service/resourcegroupstaggingapi/types"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/rogpeppe/go-internal/testscript"
)

// TestLambdaScripts are sessions with the real binary, on AWS with functions that run.
func TestLambdaScripts(t *testing.T) {
	c := useCloud(t)
	cfg, err := config.LoadDefaultConfig(t.Context(), config.WithRegion("eu-west-1"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := sqs.NewFromConfig(cfg).CreateQueue(t.Context(), &sqs.CreateQueueInput{QueueName: aws.String("orders"), Attributes: map[string]string{"VisibilityTimeout": "60"}}); err != nil {
		t.Fatal(err)
	}
	p := scripts("testdata/lambda")
	setup := p.Setup
	p.Setup = func(env *testscript.Env) error {
		for _, variable := range os.Environ() {
			if name, value, _ := strings.Cut(variable, "="); strings.HasPrefix(name, "AWS_") {
				env.Setenv(name, value)
			}
		}
		return setup(env)
	}
	for name, command := range cloudCommands(c, cfg) {
		p.Cmds[name] = command
	}
	testscript.Run(t, p)
}

var functionURL = regexp.MustCompile(`https://[a-z0-9-]+\.lambda-url\.[a-z0-9.-]+`)

func cloudCommands(c *lambdaCloud, cfg aws.Config) map[string]func(*testscript.TestScript, bool, []string) {
	ctx := context.Background()
	return map[string]func(*testscript.TestScript, bool, []string){
		// visit PATH: asks the service's URL, which the last deploy or status printed.
		"visit": func(ts *testscript.TestScript, neg bool, args []string) {
			cmd := exec.Command(filepath.Join(binary, "twofold"), "status", "--json")
			cmd.Dir, cmd.Env = ts.MkAbs("."), environOf(ts)
			out, err := cmd.Output()
			ts.Check(err)
			answer, err := c.client().Get(functionURL.FindString(string(out)) + args[0])
			ts.Check(err)
			defer answer.Body.Close()
			body, err := io.ReadAll(answer.Body)
			ts.Check(err)
			if (answer.StatusCode == http.StatusOK) == neg {
				ts.Fatalf("visit %s: status %d, body %s", args[0], answer.StatusCode, body)
			}
			ts.Stdout().Write(body)
		},
		// waits TEXT COMMAND...: repeats a command until it prints the text.
		"waits": func(ts *testscript.TestScript, neg bool, args []string) {
			for end := time.Now().Add(20 * time.Second); ; {
				err := ts.Exec(args[1], args[2:]...)
				out := ts.ReadFile("stdout")
				if strings.Contains(out, args[0]) {
					ts.Stdout().Write([]byte(out))
					return
				}
				if time.Now().After(end) {
					ts.Fatalf("%v does not print %q: %v\n%s", args[1:], args[0], err, out)
				}
			}
		},
		// random FILE BYTES: a file that cannot be packed.
		"random": func(ts *testscript.TestScript, neg bool, args []string) {
			n, err := strconv.Atoi(args[1])
			ts.Check(err)
			content := make([]byte, n)
			rand.NewChaCha8([32]byte{}).Read(content)
			ts.Check(os.WriteFile(ts.MkAbs(args[0]), content, 0o644))
		},
		"secret": func(ts *testscript.TestScript, neg bool, args []string) {
			_, err := secretsmanager.NewFromConfig(cfg).CreateSecret(ctx, &secretsmanager.CreateSecretInput{Name: &args[0], SecretString: &args[1]})
			ts.Check(err)
		},
		// move-by-hand FUNCTION VERSION: moves the traffic as somebody with the console would.
		"move-by-hand": func(ts *testscript.TestScript, neg bool, args []string) {
			_, err := awslambda.NewFromConfig(cfg).UpdateAlias(ctx, &awslambda.UpdateAliasInput{FunctionName: &args[0], FunctionVersion: &args[1], Name: aws.String("live")})
			ts.Check(err)
		},
		// nothing-left PROJECT: AWS has nothing with the project's tag, no function and no
		// role of it. Other scripts run beside.
		"nothing-left": func(ts *testscript.TestScript, neg bool, args []string) {
			tagged, err := resourcegroupstaggingapi.NewFromConfig(cfg).GetResources(ctx, &resourcegroupstaggingapi.GetResourcesInput{
				TagFilters: []taggingtypes.TagFilter{{Key: aws.String("twofold:project"), Values: args}},
			})
			ts.Check(err)
			for _, r := range tagged.ResourceTagMappingList {
				ts.Fatalf("left: %s", aws.ToString(r.ResourceARN))
			}
			functions, err := awslambda.NewFromConfig(cfg).ListFunctions(ctx, &awslambda.ListFunctionsInput{})
			ts.Check(err)
			for _, f := range functions.Functions {
				if strings.HasPrefix(aws.ToString(f.FunctionName), args[0]+"-") {
					ts.Fatalf("left: function %s", aws.ToString(f.FunctionName))
				}
			}
			roles, err := iam.NewFromConfig(cfg).ListRoles(ctx, &iam.ListRolesInput{})
			ts.Check(err)
			for _, r := range roles.Roles {
				if strings.HasPrefix(aws.ToString(r.RoleName), "twofold-"+args[0]+"-") {
					ts.Fatalf("left: role %s", aws.ToString(r.RoleName))
				}
			}
		},
	}
}

// environOf is what the programs of a script see.
func environOf(ts *testscript.TestScript) []string {
	var env []string
	for _, variable := range os.Environ() {
		name, _, _ := strings.Cut(variable, "=")
		env = append(env, name+"="+ts.Getenv(name))
	}
	return append(env, "HOME="+ts.Getenv("HOME"), "PATH="+ts.Getenv("PATH"), "TWOFOLD_STATE_DIR="+ts.Getenv("TWOFOLD_STATE_DIR"))
}

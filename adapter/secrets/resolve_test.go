package main

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"
)

// cloud is a fake of both stores.
type cloud struct {
	secrets, parameters map[string]string
	// refuse, if set, may answer a call itself.
	refuse func(w http.ResponseWriter, target string, call int) bool

	mu    sync.Mutex
	calls map[string]int
	keys  string
}

func (c *cloud) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	target := r.Header.Get("X-Amz-Target")
	c.mu.Lock()
	c.calls[target]++
	call := c.calls[target]
	c.keys = r.Header.Get("Authorization") + " " + r.Header.Get("X-Amz-Security-Token")
	c.mu.Unlock()
	if c.refuse != nil && c.refuse(w, target, call) {
		return
	}
	var in struct {
		SecretID       string `json:"SecretId"`
		Names          []string
		WithDecryption bool
	}
	body, _ := io.ReadAll(r.Body)
	if json.Unmarshal(body, &in) != nil || r.Method != http.MethodPost {
		w.WriteHeader(http.StatusTeapot)
		return
	}
	switch target {
	case "secretsmanager.GetSecretValue":
		value, ok := c.secrets[in.SecretID]
		if !ok {
			refuseWith(w, 400, "ResourceNotFoundException", "Secrets Manager can't find the specified secret.")
			return
		}
		answer(w, map[string]any{"Name": in.SecretID, "SecretString": value})
	case "AmazonSSM.GetParameters":
		list, missing := []map[string]string{}, []string{}
		for _, n := range in.Names {
			if value, ok := c.parameters[n]; ok && in.WithDecryption && len(in.Names) <= 10 {
				list = append(list, map[string]string{"Name": n, "Value": value})
			} else {
				missing = append(missing, n)
			}
		}
		answer(w, map[string]any{"Parameters": list, "InvalidParameters": missing})
	default:
		w.WriteHeader(http.StatusNotFound)
	}
}

func answer(w http.ResponseWriter, v any) {
	text, _ := json.Marshal(v)
	_, _ = w.Write(text)
}

func refuseWith(w http.ResponseWriter, status int, code, message string) {
	w.WriteHeader(status)
	answer(w, map[string]string{"__type": "com.amazonaws#" + code, "message": message})
}

// resolved runs the program's work against the cloud.
func resolved(t *testing.T, c *cloud, list string, more ...string) (map[string]string, error) {
	t.Helper()
	c.calls = map[string]int{}
	server := httptest.NewServer(c)
	defer server.Close()
	env := map[string]string{
		"TWOFOLD_SECRETS": list, "AWS_REGION": "eu-west-1", "AWS_ENDPOINT_URL": server.URL,
		"AWS_ACCESS_KEY_ID": "AKID", "AWS_SECRET_ACCESS_KEY": "key", "AWS_SESSION_TOKEN": "token",
	}
	for _, m := range more {
		k, v, _ := strings.Cut(m, "=")
		env[k] = strings.ReplaceAll(v, "SERVER", server.URL)
	}
	text, err := run(t.Context(), func(name string) string { return env[name] })
	if err != nil {
		return nil, err
	}
	var values map[string]string
	if err := json.Unmarshal(text, &values); err != nil {
		t.Fatal(err)
	}
	return values, nil
}

func TestValuesOfBothStores(t *testing.T) {
	const arn = "arn:aws:secretsmanager:us-east-1:123456789012:secret:key-AbCdEf"
	const parameter = "arn:aws:ssm:us-east-1:123456789012:parameter/shop/token"
	c := &cloud{
		secrets:    map[string]string{"shop/db": `{"url":"pg://<&>","port":5432,"x":{"y":1}}`, arn: "ä\n\"", "empty": ""},
		parameters: map[string]string{"/shop/p": "P", parameter: "Q"},
	}
	got, err := resolved(t, c, `[
		{"name":"ALL","from":"shop/db"},{"name":"URL","from":"shop/db#url"},{"name":"DBPORT","from":"shop/db#port"},{"name":"X","from":"shop/db#x"},
		{"name":"KEY","from":"`+arn+`"},{"name":"EMPTY","from":"empty"},
		{"name":"P","from":"ssm:/shop/p"},{"name":"Q","from":"`+parameter+`"}]`)
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]string{"ALL": c.secrets["shop/db"], "URL": "pg://<&>", "DBPORT": "5432", "X": `{"y":1}`, "KEY": "ä\n\"", "EMPTY": "", "P": "P", "Q": "Q"}
	if !maps.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	if n := c.calls["secretsmanager.GetSecretValue"]; n != 3 {
		t.Errorf("three secrets were asked for %d times", n)
	}
	if !strings.Contains(c.keys, "Credential=AKID/") || !strings.HasSuffix(c.keys, " token") {
		t.Errorf("signed with %s", c.keys)
	}
}

func TestTenParametersACall(t *testing.T) {
	c := &cloud{parameters: map[string]string{}}
	var list []string
	for i := range 23 {
		name := "/p/" + strconv.Itoa(i)
		c.parameters[name] = "v" + strconv.Itoa(i)
		list = append(list, `{"name":"P`+strconv.Itoa(i)+`","from":"ssm:`+name+`"}`)
	}
	got, err := resolved(t, c, "["+strings.Join(list, ",")+"]")
	if err != nil || len(got) != 23 || got["P22"] != "v22" || c.calls["AmazonSSM.GetParameters"] != 3 {
		t.Errorf("%q with %v, %v", got, c.calls, err)
	}
}

func TestWhatPassesIsTriedAgain(t *testing.T) {
	c := &cloud{secrets: map[string]string{"a": "1"}}
	c.refuse = func(w http.ResponseWriter, _ string, call int) bool {
		switch call {
		case 1:
			refuseWith(w, 400, "ThrottlingException", "Rate exceeded")
		case 2:
			refuseWith(w, 503, "", "")
		case 3:
			panic(http.ErrAbortHandler) // the connection breaks off
		default:
			return false
		}
		return true
	}
	got, err := resolved(t, c, `[{"name":"A","from":"a"}]`)
	if err != nil || got["A"] != "1" || c.calls["secretsmanager.GetSecretValue"] != 4 {
		t.Errorf("%q after %v, %v", got, c.calls, err)
	}
}

func TestErrorsNameTheSecretAndTheRemedy(t *testing.T) {
	const hidden = "hunter2"
	deny := func(code, message string) func(http.ResponseWriter, string, int) bool {
		return func(w http.ResponseWriter, _ string, _ int) bool {
			refuseWith(w, 400, code, message)
			return true
		}
	}
	fail := func(w http.ResponseWriter, _ string, _ int) bool { w.WriteHeader(500); return true }
	for _, c := range []struct {
		name, list string
		refuse     func(http.ResponseWriter, string, int) bool
		want       []string
	}{
		{"missing", `[{"name":"A","from":"no/such"}]`, nil, []string{`secret "A" (from "no/such")`, "none of that name in Secrets Manager"}},
		{"both are named", `[{"name":"A","from":"x1"},{"name":"B","from":"ssm:x2"},{"name":"C","from":"text"}]`, nil, []string{`"A"`, `"B"`, "the Parameter Store", "; "}},
		{"no object", `[{"name":"A","from":"text#key"}]`, nil, []string{"not a JSON object"}},
		{"no member", `[{"name":"A","from":"object#other"}]`, nil, []string{`no member "other"`}},
		{"no text", `[{"name":"A","from":"zero"}]`, nil, []string{"not text"}},
		{"denied", `[{"name":"A","from":"text"}]`, deny("AccessDeniedException", "not authorized"), []string{"secretsmanager:GetSecretValue", "not authorized"}},
		{"denied parameter", `[{"name":"A","from":"ssm:/a"}]`, deny("AccessDeniedException", ""), []string{"ssm:GetParameters"}},
		{"denied key", `[{"name":"A","from":"text"}]`, deny("AccessDeniedException", "Access to KMS is not allowed"), []string{"kms:Decrypt"}},
		{"expired", `[{"name":"A","from":"text"}]`, deny("ExpiredTokenException", ""), []string{"refuses the credentials"}},
		{"down", `[{"name":"A","from":"text"}]`, fail, []string{"status 500"}},
		{"no list", hidden, nil, []string{"TWOFOLD_SECRETS", "JSON list"}},
		{"no name", `[{"from":"a"}]`, nil, []string{"no name of a variable"}},
		{"twice", `[{"name":"A","from":"a"},{"name":"A","from":"b"}]`, nil, []string{"twice"}},
		{"no from", `[{"name":"A"}]`, nil, []string{"which secret"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			fake := &cloud{refuse: c.refuse, secrets: map[string]string{"text": hidden, "object": `{"key":"` + hidden + `"}`, "zero": hidden + "\x00"}}
			_, err := resolved(t, fake, c.list, "TWOFOLD_SECRETS_TIMEOUT=300ms")
			if err == nil {
				t.Fatal("there is no error")
			}
			for _, part := range c.want {
				if !strings.Contains(err.Error(), part) {
					t.Errorf("%q does not say %q", err, part)
				}
			}
			if strings.Contains(err.Error(), hidden) {
				t.Errorf("%q holds a value", err)
			}
		})
	}
}

// What the service said before says more than that the time was over during the last
// attempt.
func TestAnAttemptThatIsCutShortHidesNoError(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	attempts := 0
	err := retry(ctx, func(ctx context.Context) error {
		if attempts++; attempts == 1 {
			return temporary{errors.New("status 500")}
		}
		cancel()
		return temporary{ctx.Err()}
	})
	if attempts != 2 || err == nil || err.Error() != "status 500" {
		t.Errorf("after %d attempts the error is %v", attempts, err)
	}
}

func TestCredentialsBehindAnAddress(t *testing.T) {
	c := &cloud{secrets: map[string]string{"a": "1"}}
	var authorization string
	keys := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		authorization = r.Header.Get("Authorization")
		answer(w, map[string]string{"AccessKeyId": "AKID2", "SecretAccessKey": "s", "Token": "token2"})
	}))
	defer keys.Close()
	_, err := resolved(t, c, `[{"name":"A","from":"a"}]`, "AWS_ACCESS_KEY_ID=", "AWS_CONTAINER_CREDENTIALS_FULL_URI="+keys.URL, "AWS_CONTAINER_AUTHORIZATION_TOKEN=pass")
	if err != nil || authorization != "pass" || !strings.Contains(c.keys, "AKID2/") || !strings.HasSuffix(c.keys, "token2") {
		t.Errorf("%q, %q, %v", authorization, c.keys, err)
	}
	for _, address := range []string{"", "http://192.0.2.1/keys"} {
		if _, err := resolved(t, c, `[{"name":"A","from":"a"}]`, "AWS_ACCESS_KEY_ID=", "AWS_CONTAINER_CREDENTIALS_FULL_URI="+address); err == nil {
			t.Errorf("%q was taken", address)
		}
	}
}

func TestEndpoints(t *testing.T) {
	env := map[string]string{}
	a := &aws{env: func(n string) string { return env[n] }}
	for region, want := range map[string]string{
		"eu-west-1":      "https://ssm.eu-west-1.amazonaws.com",
		"us-gov-west-1":  "https://ssm.us-gov-west-1.amazonaws.com",
		"cn-north-1":     "https://ssm.cn-north-1.amazonaws.com.cn",
		"us-isob-east-1": "https://ssm.us-isob-east-1.sc2s.sgov.gov",
	} {
		if got := a.endpoint("ssm", region); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
	env["AWS_ENDPOINT_URL"] = "http://all/"
	env["AWS_ENDPOINT_URL_SSM"] = "http://one"
	if got := a.endpoint("ssm", "x") + a.endpoint("secretsmanager", "x"); got != "http://onehttp://all" {
		t.Error(got)
	}
}

func FuzzList(f *testing.F) {
	f.Add(`[{"name":"A","from":"shop/db#k"}]`)
	f.Add(`[{"name":"A","from":"arn:aws:ssm:eu-west-1:1:parameter/x#"}]`)
	f.Fuzz(func(t *testing.T, text string) {
		list, err := parseList([]byte(text))
		for _, s := range list {
			if err == nil && (s.name == "" || s.id == "") {
				t.Errorf("%+v", s)
			}
		}
	})
}

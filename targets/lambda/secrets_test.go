package lambda

import "testing"

func TestReferencesOfSecrets(t *testing.T) {
	for from, want := range map[string]string{
		"shop/database":     "arn:aws:secretsmanager:eu-west-1:123456789012:secret:shop/database-??????",
		"shop/database#url": "arn:aws:secretsmanager:eu-west-1:123456789012:secret:shop/database-??????",
		"ssm:/shop/token":   "arn:aws:ssm:eu-west-1:123456789012:parameter/shop/token",
		"ssm:token":         "arn:aws:ssm:eu-west-1:123456789012:parameter/token",
		"arn:aws:ssm:eu-west-1:123456789012:parameter/x":                  "arn:aws:ssm:eu-west-1:123456789012:parameter/x",
		"arn:aws:secretsmanager:eu-west-1:123456789012:secret:x-abcdef#k": "arn:aws:secretsmanager:eu-west-1:123456789012:secret:x-abcdef",
	} {
		if got := referenceOf(from).arn("aws", "eu-west-1", "123456789012"); got != want {
			t.Errorf("%q is %q, want %q", from, got, want)
		}
	}
	for from, parameter := range map[string]bool{"a": false, "ssm:a": true, "arn:aws:ssm:eu-west-1:1:parameter/x": true, "arn:aws:secretsmanager:eu-west-1:1:secret:x": false} {
		if got := referenceOf(from).parameter; got != parameter {
			t.Errorf("%q is a parameter: %t", from, got)
		}
	}
	for text, fine := range map[string]bool{"": true, "0": true, "5m": true, "-1s": false, "soon": false} {
		if _, err := readRefresh(text); (err == nil) != fine {
			t.Errorf("secrets_refresh = %q: %v", text, err)
		}
	}
}

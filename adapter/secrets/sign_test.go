package main

import (
	"net/http"
	"strings"
	"testing"
	"time"

	sdk "github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
)

// TestSignatureIsTheOneOfTheSDK compares with the signer of aws-sdk-go-v2.
func TestSignatureIsTheOneOfTheSDK(t *testing.T) {
	now := time.Date(2026, 11, 24, 3, 4, 5, 0, time.FixedZone("", 3600))
	for _, keys := range []credentials{{"AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG", ""}, {"ASIAEXAMPLE", "x+y/z=", "long//token=="}} {
		body := `{"SecretId":"shop/ü"}`
		request := func() *http.Request {
			r, err := http.NewRequest(http.MethodPost, "https://secretsmanager.eu-west-1.amazonaws.com/", strings.NewReader(body))
			if err != nil {
				t.Fatal(err)
			}
			r.Header.Set("Content-Type", "application/x-amz-json-1.1")
			r.Header.Set("X-Amz-Target", "secretsmanager.GetSecretValue")
			return r
		}
		own, theirs := request(), request()
		theirs.ContentLength = -1 // the SDK signs Content-Length where it is known; that is not needed
		sign(own, []byte(body), keys, "eu-west-1", "secretsmanager", now)
		err := v4.NewSigner().SignHTTP(t.Context(), sdk.Credentials{AccessKeyID: keys.id, SecretAccessKey: keys.secret, SessionToken: keys.token},
			theirs, digest([]byte(body)), "secretsmanager", "eu-west-1", now)
		if err != nil {
			t.Fatal(err)
		}
		if got, want := own.Header.Get("Authorization"), theirs.Header.Get("Authorization"); got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
	}
}

//go:build e2e

package e2e

import (
	"context"
	"path/filepath"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"

	"github.com/twofoldhq/twofold/manifest/schema"
	"github.com/twofoldhq/twofold/targets"
	"github.com/twofoldhq/twofold/targets/conformance"
	"github.com/twofoldhq/twofold/targets/lambda"
)

// useCloud makes a cloud the one that the AWS SDK reaches, for the test.
func useCloud(t *testing.T) *lambdaCloud {
	t.Helper()
	c := newLambdaCloud(t)
	none := filepath.Join(t.TempDir(), "none")
	for name, value := range map[string]string{
		"AWS_ENDPOINT_URL": c.url, "AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_SESSION_TOKEN": "",
		"AWS_CONFIG_FILE": none, "AWS_SHARED_CREDENTIALS_FILE": none, "AWS_PROFILE": "", "AWS_REGION": "eu-west-1",
	} {
		t.Setenv(name, value)
	}
	return c
}

// TestConformanceOnLambda runs the whole suite with functions that run. Volumes are file
// systems in a network, and nothing of moto fires schedules: both are left out.
func TestConformanceOnLambda(t *testing.T) {
	c := useCloud(t)
	releases, err := conformance.MakeReleases(t.Context(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	target, err := lambda.Plugin().Open("functions", schema.Values{"region": "eu-west-1"})
	if err != nil {
		t.Fatal(err)
	}
	cfg, err := config.LoadDefaultConfig(t.Context(), config.WithRegion("eu-west-1"))
	if err != nil {
		t.Fatal(err)
	}
	store := secretsmanager.NewFromConfig(cfg)
	for _, f := range conformance.Run(t.Context(), conformance.Config{
		Target: target, Releases: releases, Client: c.client(), Start: 8 * time.Second, Log: t.Logf, Dir: t.TempDir(),
		SetSecret: func(ctx context.Context, name, value string) (targets.Secret, error) {
			_, err := store.CreateSecret(ctx, &secretsmanager.CreateSecretInput{Name: aws.String("shop/" + name), SecretString: &value})
			return targets.Secret{Name: name, From: "shop/" + name}, err
		},
	}) {
		t.Error(f)
	}
}

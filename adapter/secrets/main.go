// Command secrets reads the values of a function's secrets from AWS Secrets Manager
// and from the Parameter Store of Systems Manager. It lies in a bundle beside the
// adapter, as "twofold-secrets", if the service declares secrets. It is a program of
// its own because TLS takes as much room as the adapter and more.
//
// It reads TWOFOLD_SECRETS, and the region and the credentials that the platform
// sets. It writes {"NAME":"value"} to its standard output, which only the adapter
// reads, and exits with 0; or a sentence for each secret that could not be read to
// its standard error, and exits with 1. No value is ever in a sentence.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// defaultTimeout leaves the app a second of the ten that Lambda gives a start. The
// adapter sets TWOFOLD_SECRETS_TIMEOUT to what is really left.
const defaultTimeout = 8 * time.Second

// bundleCertificates is a file beside this program with certificates that are
// trusted as well as the machine's. Images without any need it.
const bundleCertificates = "ca-certificates.crt"

func main() {
	text, err := run(context.Background(), os.Getenv)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	if _, err := os.Stdout.Write(text); err != nil {
		fmt.Fprintln(os.Stderr, "the values could not be handed to the adapter:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, env func(string) string) ([]byte, error) {
	list, err := parseList([]byte(env("TWOFOLD_SECRETS")))
	if err != nil {
		return nil, fmt.Errorf("TWOFOLD_SECRETS: %w", err)
	}
	timeout, err := time.ParseDuration(env("TWOFOLD_SECRETS_TIMEOUT"))
	if err != nil || timeout <= 0 {
		timeout = defaultTimeout
	}
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	region := env("AWS_REGION")
	if region == "" {
		region = env("AWS_DEFAULT_REGION")
	}
	if region == "" {
		return nil, fmt.Errorf("the secrets cannot be read: AWS_REGION is not set, which a function platform sets")
	}
	client := newHTTPClient(certificatesBeside())
	keys, err := findCredentials(ctx, client, env)
	if err != nil {
		return nil, err
	}
	a := &aws{client: client, keys: keys, region: region, env: env, now: time.Now}
	values, err := a.resolve(ctx, list)
	if err != nil {
		return nil, err
	}
	return json.Marshal(values)
}

func certificatesBeside() []byte {
	self, err := os.Executable()
	if err != nil {
		return nil
	}
	// Without the file the machine's own certificates must do.
	text, _ := os.ReadFile(filepath.Join(filepath.Dir(self), bundleCertificates))
	return text
}

// sentences joins what is wrong with several secrets.
func sentences(all []string) string { return strings.Join(all, "; ") }

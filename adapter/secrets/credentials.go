package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
)

// findCredentials returns those that the platform set: in the environment, or, as
// with a function that starts from a snapshot, behind an address of this machine.
func findCredentials(ctx context.Context, client *http.Client, env func(string) string) (credentials, error) {
	keys := credentials{env("AWS_ACCESS_KEY_ID"), env("AWS_SECRET_ACCESS_KEY"), env("AWS_SESSION_TOKEN")}
	if keys.id != "" && keys.secret != "" {
		return keys, nil
	}
	address := env("AWS_CONTAINER_CREDENTIALS_FULL_URI")
	if address == "" {
		return keys, errors.New("the secrets cannot be read: there are no credentials (AWS_ACCESS_KEY_ID or AWS_CONTAINER_CREDENTIALS_FULL_URI), which a function platform sets")
	}
	keys, err := askForCredentials(ctx, client, address, env("AWS_CONTAINER_AUTHORIZATION_TOKEN"))
	if err != nil {
		return keys, fmt.Errorf("the secrets cannot be read: AWS_CONTAINER_CREDENTIALS_FULL_URI gives no credentials: %w", err)
	}
	return keys, nil
}

func askForCredentials(ctx context.Context, client *http.Client, address, token string) (credentials, error) {
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "https" && !ofThisMachine(u.Hostname()) {
		return credentials{}, errors.New("it is neither https nor an address of this machine")
	}
	var answer struct {
		AccessKeyID     string `json:"AccessKeyId"`
		SecretAccessKey string `json:"SecretAccessKey"`
		Token           string `json:"Token"`
	}
	err = retry(ctx, func(ctx context.Context) error {
		r, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
		if err != nil {
			return err
		}
		if token != "" {
			r.Header.Set("Authorization", token)
		}
		a, err := client.Do(r)
		if err != nil {
			return temporary{reason(err)}
		}
		defer a.Body.Close()
		if a.StatusCode >= 500 || a.StatusCode == http.StatusTooManyRequests {
			return temporary{fmt.Errorf("it answers %d", a.StatusCode)}
		}
		if a.StatusCode != http.StatusOK {
			return fmt.Errorf("it answers %d", a.StatusCode)
		}
		if json.NewDecoder(io.LimitReader(a.Body, maxAnswer)).Decode(&answer) != nil {
			return errors.New("its answer is not JSON")
		}
		return nil
	})
	if err == nil && (answer.AccessKeyID == "" || answer.SecretAccessKey == "") {
		err = errors.New("its answer has none")
	}
	return credentials{answer.AccessKeyID, answer.SecretAccessKey, answer.Token}, err
}

// ofThisMachine reports whether a host is this machine, or one of the two link-local
// addresses at which containers get credentials.
func ofThisMachine(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || host == "169.254.170.2" || host == "169.254.170.23" || ip != nil && ip.IsLoopback()
}

package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
)

// secret is one variable whose value is looked up.
type secret struct {
	// name is the variable's.
	name string
	// from is what the deployment says of it, for messages.
	from string
	store
	// id is the secret's name or ARN, or the parameter's.
	id string
	// key is a member of a secret that is a JSON object, or "".
	key string
	// region is that of an ARN, or "".
	region string
}

type store int

const (
	secretsManager store = iota
	parameterStore
)

// parseList reads the value of TWOFOLD_SECRETS.
func parseList(data []byte) ([]secret, error) {
	var raw []struct {
		Name string `json:"name"`
		From string `json:"from"`
	}
	if err := json.Unmarshal(data, &raw); err != nil {
		return nil, errors.New(`it is not a JSON list such as [{"name":"DATABASE_URL","from":"shop/database-url"}]`)
	}
	seen := map[string]bool{}
	var list []secret
	for _, r := range raw {
		if r.Name == "" || strings.ContainsAny(r.Name, "=\x00") {
			return nil, fmt.Errorf("%q is no name of a variable", r.Name)
		}
		if seen[r.Name] {
			return nil, fmt.Errorf("%q is there twice", r.Name)
		}
		seen[r.Name] = true
		s := parseFrom(r.From)
		if s.id == "" {
			return nil, fmt.Errorf("%q does not say which secret it is", r.Name)
		}
		s.name = r.Name
		list = append(list, s)
	}
	return list, nil
}

// parseFrom reads "shop/db", "shop/db#password", "ssm:/shop/db" or an ARN. A "#" is
// in no name of either store.
func parseFrom(from string) secret {
	s := secret{from: from, id: from}
	if id, key, ok := cutLast(from, "#"); ok {
		s.id, s.key = id, key
	}
	if id, ok := strings.CutPrefix(s.id, "ssm:"); ok {
		s.store, s.id = parameterStore, id
	}
	// arn:partition:service:region:account:resource
	if parts := strings.SplitN(s.id, ":", 6); len(parts) == 6 && parts[0] == "arn" {
		s.region = parts[3]
		if parts[2] == "ssm" {
			s.store = parameterStore
		}
	}
	return s
}

func cutLast(s, sep string) (before, after string, found bool) {
	if i := strings.LastIndex(s, sep); i >= 0 {
		return s[:i], s[i+len(sep):], true
	}
	return s, "", false
}

// member picks the member of a value that is a JSON object. Text stands for
// itself, anything else for its JSON.
func (s secret) member(value string) (string, error) {
	if s.key == "" {
		return value, nil
	}
	var object map[string]json.RawMessage
	if json.Unmarshal([]byte(value), &object) != nil {
		return "", fmt.Errorf("it is not a JSON object, so it has no member %q: leave #%s out, or store an object", s.key, s.key)
	}
	raw, ok := object[s.key]
	if !ok || string(raw) == "null" {
		return "", fmt.Errorf("it has no member %q: add it to the secret, or name another one", s.key)
	}
	var text string
	if json.Unmarshal(raw, &text) == nil {
		return text, nil
	}
	return string(raw), nil
}

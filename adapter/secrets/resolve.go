package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"unicode/utf8"
)

const (
	// parallel is how many requests are on their way at a time.
	parallel = 8
	// parametersACall is what GetParameters takes (Systems Manager API reference).
	parametersACall = 10
)

// found is what a store holds under an id, or why it could not be read.
type found struct {
	value string
	err   error
}

// place is a store's id in a region.
type place struct {
	store
	region, id string
}

// resolve reads all secrets, each id once, and returns their values by name. The
// error has a sentence for each that could not be read.
func (a *aws) resolve(ctx context.Context, list []secret) (map[string]string, error) {
	answers := a.ask(ctx, list)
	values, problems := map[string]string{}, []string{}
	for _, s := range list {
		f := answers[place{s.store, s.region, s.id}]
		value, err := f.value, f.err
		if err == nil {
			value, err = s.member(value)
		}
		if err == nil && (strings.ContainsRune(value, 0) || !utf8.ValidString(value)) {
			err = errors.New("it is not text, and a variable can hold nothing else: store it as text")
		}
		if err != nil {
			problems = append(problems, fmt.Sprintf("secret %q (from %q) cannot be read: %s", s.name, s.from, explain(s, err)))
			continue
		}
		values[s.name] = value
	}
	if len(problems) > 0 {
		return nil, errors.New(sentences(problems))
	}
	return values, nil
}

// ask reads every place, several at a time.
func (a *aws) ask(ctx context.Context, list []secret) map[place]found {
	answers := map[place]found{}
	parameters := map[string][]string{} // by region
	var jobs []func() map[place]found
	for _, s := range list {
		p := place{s.store, s.region, s.id}
		if _, known := answers[p]; known {
			continue
		}
		answers[p] = found{}
		if s.store == parameterStore {
			parameters[s.region] = append(parameters[s.region], s.id)
			continue
		}
		jobs = append(jobs, func() map[place]found {
			value, err := a.getSecret(ctx, p.region, p.id)
			return map[place]found{p: {value, err}}
		})
	}
	for region, names := range parameters {
		for len(names) > 0 {
			some := names[:min(parametersACall, len(names))]
			names = names[len(some):]
			jobs = append(jobs, func() map[place]found { return a.getParameters(ctx, region, some) })
		}
	}
	var mu sync.Mutex
	var all sync.WaitGroup
	free := make(chan struct{}, parallel)
	for _, job := range jobs {
		all.Go(func() {
			free <- struct{}{}
			defer func() { <-free }()
			part := job()
			mu.Lock()
			defer mu.Unlock()
			for p, f := range part {
				answers[p] = f
			}
		})
	}
	all.Wait()
	return answers
}

// getSecret reads one secret. Bytes are its value if they are text.
func (a *aws) getSecret(ctx context.Context, region, id string) (string, error) {
	var answer struct {
		SecretString *string
		SecretBinary []byte
	}
	err := a.call(ctx, "secretsmanager", region, "secretsmanager.GetSecretValue", map[string]string{"SecretId": id}, &answer)
	switch {
	case err != nil:
		return "", err
	case answer.SecretString != nil:
		return *answer.SecretString, nil
	case answer.SecretBinary != nil:
		return string(answer.SecretBinary), nil
	}
	return "", errors.New("it has no value yet: put one into it")
}

// getParameters reads up to parametersACall parameters.
func (a *aws) getParameters(ctx context.Context, region string, names []string) map[place]found {
	var answer struct {
		Parameters []struct{ Name, ARN, Value, Selector string }
	}
	err := a.call(ctx, "ssm", region, "AmazonSSM.GetParameters", map[string]any{"Names": names, "WithDecryption": true}, &answer)
	values := map[string]string{}
	for _, p := range answer.Parameters {
		for _, name := range []string{p.Name, p.ARN, p.Name + p.Selector, p.ARN + p.Selector} {
			values[name] = p.Value
		}
	}
	part := map[place]found{}
	for _, name := range names {
		f := found{err: err}
		if err == nil {
			var ok bool
			if f.value, ok = values[name]; !ok {
				f.err = &apiError{code: "ParameterNotFound", status: 200}
			}
		}
		part[place{parameterStore, region, name}] = f
	}
	return part
}

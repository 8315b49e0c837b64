package host

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/twofoldhq/twofold/release"
	"github.com/twofoldhq/twofold/targets"
	"github.com/twofoldhq/twofold/targets/fit/awslambda"
	"github.com/twofoldhq/twofold/targets/local/function"
	"github.com/twofoldhq/twofold/targets/local/sandbox"
)

// What a function gets that the manifest does not say. Lambda's own defaults of
// 128 MB and 3 s are too little for most servers; the ones here are those that
// the lambda target sets.
const (
	defaultFunctionMemory  = 512 << 20
	defaultFunctionTimeout = 30 * time.Second
	functionTmp            = 512 << 20
)

// functions is a function.Function as a workload.
type functions struct {
	function *function.Function
	tried    chan struct{} // closed when the first start after run has ended
}

func (m *maker) function(ctx context.Context, o order) (workload, error) {
	r, form, err := o.release.open(o.record.Release, release.Bundle)
	if err != nil {
		return nil, err
	}
	if _, err := o.release.unpack(ctx, o.record.Release, release.Bundle); err != nil {
		return nil, err
	}
	spec := o.record.Spec
	memory := spec.Memory
	if memory == 0 {
		memory = defaultFunctionMemory
	}
	timeout := spec.Timeout
	if timeout == 0 {
		timeout = defaultFunctionTimeout
	}
	task := o.release.files()
	runtime, err := findInterpreter(form.Runtime)
	if err != nil {
		return nil, err
	}
	if err := canMount(o.mounts); err != nil {
		return nil, err
	}
	f, err := function.New(function.Config{
		Name: functionName(r.Service, o.record.Environment), Task: task, Runtime: form.Runtime,
		Memory: memory, Timeout: timeout, Start: spec.Start, TmpSize: functionTmp,
		Path: runtime.path, Concurrency: spec.Scale.Max, Env: functionEnv(spec, o.env()), Log: o.log,
		Launch: func(ctx context.Context, l function.LaunchSpec) (function.Instance, error) {
			p, err := sandbox.Start(ctx, sandbox.Spec{
				Mounts:   functionMounts(runtime, task, o.mounts),
				ReadOnly: true, TmpSize: functionTmp, Memory: memory,
				Command: []string{"/var/task/bootstrap"}, Dir: "/var/task", Env: l.Env,
				Loopback: true, Stdout: l.Stdout, Stderr: l.Stderr, Name: o.name,
			})
			if err != nil {
				return nil, err
			}
			return p, nil
		},
	})
	if err != nil {
		return nil, err
	}
	return &functions{function: f, tried: make(chan struct{})}, nil
}

// functionMounts are what an instance of a function sees beside the machine's
// system folders.
func functionMounts(runtime interpreter, task string, volumes []sandbox.Mount) []sandbox.Mount {
	return slices.Concat(runtime.mounts, []sandbox.Mount{{Source: task, Target: "/var/task", ReadOnly: true}}, volumes)
}

// functionEnv adds to a function's environment what the adapter must know of the
// deployment. What the service sets itself stays.
func functionEnv(s Spec, env map[string]string) map[string]string {
	set := func(name, value string) {
		if _, own := env[name]; !own && value != "" {
			env[name] = value
		}
	}
	set("TWOFOLD_HEALTH_PATH", s.Health)
	set("TWOFOLD_EVENTS_PATH", s.Events)
	set(awslambda.TriggersVariable, awslambda.Triggers(s.Schedules, s.Triggers))
	if s.Start > 0 {
		// The adapter gives up a little before the platform does, and says why.
		set("TWOFOLD_START_TIMEOUT", (s.Start - min(s.Start/20, 500*time.Millisecond)).String())
	}
	return env
}

// functionName keeps to the characters and the length that Lambda allows.
func functionName(service, environment string) string {
	name := []byte(service + "-" + environment)
	for i, c := range name {
		letter := c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '-' || c == '_'
		if !letter {
			name[i] = '-'
		}
	}
	return string(name[:min(len(name), 64)])
}

func (f *functions) ServeHTTP(w http.ResponseWriter, r *http.Request) { f.function.ServeHTTP(w, r) }

// start proves that an instance comes up; it stays for the first request.
func (f *functions) start(ctx context.Context) error {
	close(f.tried)
	if err := f.function.Warm(ctx); err != nil {
		f.close()
		return err
	}
	return nil
}

func (f *functions) run() {
	go func() {
		f.function.Warm(context.Background())
		close(f.tried)
	}()
}

func (f *functions) wait(ctx context.Context) error {
	select {
	case <-f.tried:
	case <-ctx.Done():
		return ctx.Err()
	}
	if state, detail, _ := f.state(); state != targets.Running {
		return errors.New(detail)
	}
	return nil
}

func (f *functions) state() (targets.State, string, int) {
	s := f.function.Stats()
	if s.Instances == 0 && s.LastInitError != "" {
		return targets.Failing, "no instance comes up: " + s.LastInitError, 0
	}
	return targets.Running, "", s.Instances
}

func (f *functions) describe() string { return "sandbox: " + sandbox.Describe().Summary }
func (f *functions) engine() bool     { return false }

func (f *functions) invoke(ctx context.Context, event []byte) (targets.InvokeResult, error) {
	r, err := f.function.Invoke(ctx, event)
	if err != nil {
		return targets.InvokeResult{}, fmt.Errorf("the event did not reach an instance: %w", err)
	}
	return invokeResult(r), nil
}

// close ends the instances. Requests in flight were given their time before.
func (f *functions) close() {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	f.function.Close(ctx)
}

func invokeResult(r function.Result) targets.InvokeResult {
	if r.FunctionError != "" {
		return targets.InvokeResult{Error: r.Payload}
	}
	return targets.InvokeResult{Payload: r.Payload}
}

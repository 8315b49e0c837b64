package container

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"time"

	"github.com/twofoldhq/twofold/release"
	"github.com/twofoldhq/twofold/targets/local/sandbox"
)

// Sandbox runs an unpacked image in sandboxes.
type Sandbox struct {
	// Root is the folder that holds the image's file system.
	Root string
	// Image is how the image starts.
	Image release.Unpacked
	// Env is the service's own environment. It goes over the image's.
	Env map[string]string
	// Mounts show folders of this machine in each sandbox.
	Mounts []sandbox.Mount
	Limits Limits
	// Ports is common to all sandboxes of this process.
	Ports *Ports
}

// Describe says how well the machine isolates the instances.
func (s Sandbox) Describe() string { return "sandbox: " + sandbox.Describe().Summary }

// Start starts one instance on a free port, which it finds in $PORT.
func (s Sandbox) Start(ctx context.Context, start Start) (Instance, error) {
	port, err := s.Ports.reserve()
	if err != nil {
		return nil, fmt.Errorf("start an instance: %w", err)
	}
	command := s.Image.Command
	if len(start.Command) > 0 {
		command = start.Command
	}
	p, err := sandbox.Start(ctx, sandbox.Spec{
		Root: s.Root, Mounts: s.Mounts, Command: command, Dir: s.Image.Dir, User: s.Image.User,
		Env:    WithTerm(environment(s.Image.Env, s.Env, port.number), start.Terminal),
		Memory: s.Limits.Memory, CPU: s.Limits.CPU, Loopback: true,
		Stdin: start.Stdin, Terminal: SizeOf(start.Terminal),
		Stdout: start.Stdout, Stderr: start.Stderr, Name: start.Name,
	})
	if err != nil {
		port.release()
		return nil, fmt.Errorf("start an instance: %w", err)
	}
	go FollowSize(p, start.Terminal)
	i := &sandboxed{process: p, port: port}
	go func() {
		<-p.Done()
		port.release()
	}()
	return i, nil
}

// environment is the image's environment with the service's over it, and PORT
// over both, sorted.
func environment(image []string, service map[string]string, port int) []string {
	all := make(map[string]string)
	for _, e := range image {
		for n := range len(e) {
			if e[n] == '=' {
				all[e[:n]] = e[n+1:]
				break
			}
		}
	}
	maps.Copy(all, service)
	all["PORT"] = strconv.Itoa(port)
	env := make([]string, 0, len(all))
	for _, name := range slices.Sorted(maps.Keys(all)) {
		env = append(env, name+"="+all[name])
	}
	return env
}

type sandboxed struct {
	process *sandbox.Process
	port    port
}

func (i *sandboxed) Address() string       { return i.port.address() }
func (i *sandboxed) Done() <-chan struct{} { return i.process.Done() }
func (i *sandboxed) Exit() string          { return "it ended: " + i.process.Exit().String() }

func (i *sandboxed) Code() int { return i.process.Exit().Code }

func (i *sandboxed) Stop(grace time.Duration) {
	select {
	case <-i.process.Done():
		return
	default:
	}
	if i.process.Terminate() == nil {
		limit := time.NewTimer(grace)
		defer limit.Stop()
		select {
		case <-i.process.Done():
			return
		case <-limit.C:
		}
	}
	i.process.Kill()
	<-i.process.Done()
}

var _ Runner = Sandbox{}

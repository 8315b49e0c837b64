package gateway

import (
	"context"
	"errors"
	"maps"
	"sync"
)

// KeepPasswords adds to the passwords of queues, by the names of their secrets. Those
// that are known stay, for a route before may need them again.
func (g *Gateway) KeepPasswords(passwords map[string]string) error {
	if len(passwords) == 0 {
		return nil
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	next := g.state
	next.Passwords = map[string]string{}
	maps.Copy(next.Passwords, g.state.Passwords)
	maps.Copy(next.Passwords, passwords)
	if maps.Equal(next.Passwords, g.state.Passwords) {
		return nil
	}
	if err := next.write(g.dir); err != nil {
		return err
	}
	g.state = next
	return nil
}

// endQueues takes no messages any more, and returns when those under way are answered or
// the context ends.
func (g *Gateway) endQueues(ctx context.Context) {
	g.mu.Lock()
	routes := maps.Clone(g.routes)
	g.mu.Unlock()
	var all sync.WaitGroup
	for _, r := range routes {
		r.queues.Stop()
		all.Go(r.queues.Wait)
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		all.Wait()
	}()
	select {
	case <-ended:
	case <-ctx.Done():
	}
}

// ready returns nil when a backend answers its health path.
func (r *route) ready(ctx context.Context) error {
	turn := r.Enter()
	to := turn.Handler.route
	r.Leave(turn)
	for _, address := range to.Backends {
		if _, ok := probe(ctx, address, to.Health); ok {
			return nil
		}
	}
	return errors.New("the app is not ready; twofold logs says why")
}

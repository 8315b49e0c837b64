//go:build e2e

package kubernetes

import (
	"context"
	"net"
	"net/http"
	"net/url"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"k8s.io/client-go/tools/clientcmd"

	"github.com/twofoldhq/twofold/manifest/schema"
	"github.com/twofoldhq/twofold/targets"
	"github.com/twofoldhq/twofold/targets/conformance"
	"github.com/twofoldhq/twofold/targets/kubernetes/kubetest"
)

// away is how long the cluster is out of reach where a deploy sits it out.
const away = 4 * time.Second

// deploysOutliveTheNetwork cuts the way to the cluster while a rollout is waited for: a
// short cut is sat out, and a long one ends the deploy with an error that says so, while
// what ran serves on.
func deploysOutliveTheNetwork(t *testing.T, c *kubetest.Cluster, releases *conformance.Releases) {
	open := func(kubeconfig string) targets.Target {
		target, err := Plugin().Open("cut", schema.Values{
			"kubeconfig": kubeconfig, "namespace": "shop", "registry": c.Registry + "/shop", "service_type": nodePort,
		})
		if err != nil {
			t.Fatal(err)
		}
		return target
	}
	target := open(c.Kubeconfig)
	d := targets.Deployment{
		Key:     targets.Key{Project: "shop", Service: "cut", Environment: "prod"},
		Release: releases.One, Port: conformance.Port, Health: conformance.Health, Start: time.Minute,
	}
	defer func() {
		if _, err := target.Destroy(t.Context(), d.Key); err != nil {
			t.Error(err)
		}
	}()
	st, err := target.Deploy(t.Context(), d)
	if err != nil {
		t.Fatal(err)
	}
	address := st.URL + "/version"
	t.Run("the machine is without a network for a moment", func(t *testing.T) {
		var back sync.WaitGroup
		// The node has the image: the registry is away, too.
		d.Env = map[string]string{"APP_GREETING": "later"}
		d.Events = once("instances are new", func() {
			ip(t, "link", "set", c.Link, "down")
			back.Go(func() {
				time.Sleep(away)
				ip(t, "link", "set", c.Link, "up")
			})
		})
		_, err := target.Deploy(t.Context(), d)
		back.Wait()
		if err != nil {
			t.Fatal(err)
		}
		until(t, st.URL+"/env?name=APP_GREETING", "later")
	})
	t.Run("the API server starts anew", func(t *testing.T) {
		server := startServer(t, toServer(t, c), "127.0.0.1:0")
		var back sync.WaitGroup
		d.Release, d.Events = releases.Two, once("instances are new", func() {
			server.Close()
			back.Go(func() {
				time.Sleep(away)
				startServer(t, server.Handler, server.Addr)
			})
		})
		_, err := open(kubeconfigOf(t, "http://"+server.Addr)).Deploy(t.Context(), d)
		back.Wait()
		if err != nil {
			t.Fatal(err)
		}
		until(t, address, "two")
	})
	t.Run("the API server says nothing any more", func(t *testing.T) {
		silence := silence(t, c)
		d.Release, d.Events = releases.Broken, once("instances are new", func() { silence("-I") })
		bounded, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
		defer cancel()
		_, err := target.Deploy(bounded, d)
		if err == nil || bounded.Err() != nil || !strings.Contains(err.Error(), "the cluster has been out of reach for 11s") {
			t.Errorf("the deploy ends with %v", err)
		}
		if got, err := ask(t.Context(), address); err != nil || got != "two" {
			t.Errorf("without the API server, %q answers (%v)", got, err)
		}
		silence("-D")
		d.Release, d.Events = releases.One, nil
		if _, err := target.Deploy(t.Context(), d); err != nil {
			t.Fatal(err)
		}
		until(t, address, "one")
		if plan, err := target.Plan(t.Context(), d); err != nil || plan.Action != targets.ActionNone {
			t.Errorf("afterwards a deploy would do %+v (%v)", plan, err)
		}
	})
}

// startServer starts an HTTP server; its address is the one that it got.
func startServer(t *testing.T, h http.Handler, address string) *http.Server {
	listener, err := net.Listen("tcp", address)
	if err != nil {
		t.Error(err)
		return nil
	}
	server := &http.Server{Handler: h, Addr: listener.Addr().String()}
	go server.Serve(listener)
	t.Cleanup(func() { server.Close() })
	return server
}

// once calls f when an event says something for the first time.
func once(says string, f func()) func(targets.Event) {
	f = sync.OnceFunc(f)
	return func(e targets.Event) {
		if strings.Contains(e.Message, says) {
			f()
		}
	}
}

// silence returns what drops (-I), or lets through again (-D), all that the API server
// sends to this machine.
func silence(t *testing.T, c *kubetest.Cluster) func(what string) {
	t.Helper()
	config, err := clientcmd.BuildConfigFromFlags("", c.Kubeconfig)
	if err != nil {
		t.Fatal(err)
	}
	server, err := url.Parse(config.Host)
	if err != nil {
		t.Fatal(err)
	}
	rule := func(what string) *exec.Cmd {
		return exec.Command("iptables", what, "INPUT", "-i", c.Link, "-p", "tcp", "--sport", server.Port(), "-j", "DROP")
	}
	t.Cleanup(func() { _ = rule("-D").Run() })
	return func(what string) {
		if out, err := rule(what).CombinedOutput(); err != nil {
			t.Errorf("iptables %s: %v\n%s", what, err, out)
		}
	}
}

func ip(t *testing.T, args ...string) {
	if out, err := exec.Command("ip", args...).CombinedOutput(); err != nil {
		t.Errorf("ip %s: %v\n%s", strings.Join(args, " "), err, out)
	}
}

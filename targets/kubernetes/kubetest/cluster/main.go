// Command cluster runs a Kubernetes cluster of one node for tests, until its
// standard input ends or it is told to end:
//
//	cluster $(e2e/kube/build.sh)
//
// Once the node is ready it prints one line of JSON that says how to reach it. It
// needs root, Debian's containerd, containernetworking-plugins, iptables, iproute2
// and docker-registry.
//
// Everything but the registry runs in namespaces of its own for processes, mounts
// and the network. When their first process ends, however it ends, the kernel ends
// the others and takes the mounts and the interfaces away with them.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"runtime"
	"syscall"
)

func main() {
	// What this process starts dies with the thread that started it.
	runtime.LockOSThread()
	var err error
	switch {
	case len(os.Args) == 2:
		err = serve(os.Args[1])
	case len(os.Args) == 4 && os.Args[1] == "first":
		err = first(os.Args[2:])
	case len(os.Args) == 4 && os.Args[1] == "node":
		err = runNode(paths{programs: os.Args[2], state: os.Args[3]})
	default:
		err = fmt.Errorf("usage: cluster PROGRAMS")
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "cluster:", err)
		os.Exit(1)
	}
}

// access is what a test needs to know of the cluster.
type access struct {
	Kubeconfig, Node, Registry, Logs string
	Certificates                     string // the folder of containerd's hosts.toml files
	Link                             string
}

func serve(programs string) error {
	// A reader that went away must not keep us from cleaning up.
	signal.Ignore(syscall.SIGPIPE)
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP)
	defer stop()
	go func() {
		io.Copy(io.Discard, os.Stdin)
		stop()
	}()
	unlock, err := lock()
	if err != nil {
		return err
	}
	defer unlock()
	h, err := prepare(programs)
	if err != nil {
		return err
	}
	defer h.cleanUp()
	if err := h.start(ctx); err != nil {
		return err
	}
	p := h.paths
	line, err := json.Marshal(access{
		Kubeconfig: p.credential("admin.kubeconfig"), Node: nodeAddress, Registry: registryAddress,
		Logs: filepath.Dir(p.log("kubelet")), Certificates: p.node("certs.d"), Link: link,
	})
	if err != nil {
		return err
	}
	fmt.Println(string(line))
	select {
	case <-ctx.Done():
		return nil
	case <-h.ended:
		return fmt.Errorf("the cluster ended by itself: %s", h.output)
	}
}

// Package host is the local host: one supervisor process a user that runs the
// local deployments and outlives the terminal that made them.
//
// The twofold binary starts itself again as the supervisor when a command needs
// it. The package holds both sides: Main is the supervisor, Client talks to it
// over HTTP on a unix socket. What the supervisor knows is on disk, below the
// folder of a Layout; it can be killed at any moment, and the next one goes on
// with what is there.
//
//	deployments/<id>/deployment.json    the Record: which release runs, with what
//	deployments/<id>/releases/<hex>/    the release: its store and unpacked files
//	deployments/<id>/log/               what the app printed, rotated
//	incoming/<name>/                    a release on its way from a client
//	host.lock, host.sock, host.log      of the supervisor itself
package host

// HostCommand is the first argument that makes the binary the supervisor.
const HostCommand = "local-host"

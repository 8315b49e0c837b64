// Package container runs the image of a release on this machine: with a Docker
// Engine if one answers, else from the unpacked image in a sandbox.
//
// A Runner starts single instances. A Group keeps as many of them running as the
// deployment asks for, starts one again that died, and is the http.Handler that
// carries requests to them.
package container

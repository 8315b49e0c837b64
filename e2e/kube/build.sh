#!/usr/bin/env bash
# Builds the programs of the cluster for tests, and prints the folder that holds
# them. They are kept under the hash of what they are made of: a second run builds
# nothing. With the argument path it only prints the folder.
set -euo pipefail
cd "$(dirname "$0")"
version=1.33.13

key=$(cat build.sh go.mod go.sum main.go pause/main.go dns/go.mod dns/go.sum dns/main.go | sha256sum | cut -c1-16)
dir=${XDG_CACHE_HOME:-$HOME/.cache}/twofold-e2e/kube/$key
echo "$dir"
if [ "${1:-}" = path ] || [ -d "$dir" ]; then
  exit 0
fi

mkdir -p "$(dirname "$dir")"
new=$(mktemp -d "$dir.XXXXXX")
trap 'rm -rf "$new"' EXIT
flags="-s -w"
for package in k8s.io/component-base/version k8s.io/client-go/pkg/version; do
  flags+=" -X $package.gitVersion=v$version -X $package.gitMajor=1 -X $package.gitMinor=33"
  flags+=" -X $package.gitTreeState=clean -X $package.gitCommit=unknown -X $package.buildDate=2026-01-01T00:00:00Z"
done
export CGO_ENABLED=0 GOFLAGS=
go build -trimpath -ldflags "$flags" -o "$new/kube" . >&2
go build -trimpath -ldflags "-s -w" -o "$new/pause" ./pause >&2
(cd dns && go build -trimpath -ldflags "-s -w" -o "$new/dns" .) >&2
ln -s kube "$new/kubectl"
chmod 755 "$new"
# Whoever is first wins; the other's programs are the same.
mv -T "$new" "$dir" || [ -d "$dir" ]

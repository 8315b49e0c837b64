#!/usr/bin/env bash
# Builds Pebble, the ACME server for tests, with the DNS server that it asks, and prints
# the folder that holds them. They are kept: a second run builds nothing.
set -euo pipefail
version=v2.10.1

dir=${XDG_CACHE_HOME:-$HOME/.cache}/twofold-e2e/pebble/$version
echo "$dir"
if [ -d "$dir" ]; then
  exit 0
fi
mkdir -p "$(dirname "$dir")"
new=$(mktemp -d "$dir.XXXXXX")
trap 'rm -rf "$new"' EXIT
module=github.com/letsencrypt/pebble/v2/cmd
GOBIN=$new GOFLAGS='' CGO_ENABLED=0 go install "$module/pebble@$version" "$module/pebble-challtestsrv@$version" >&2
chmod 755 "$new"
# Whoever is first wins; the other's programs are the same.
mv -T "$new" "$dir" || [ -d "$dir" ]

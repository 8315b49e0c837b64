#!/usr/bin/env bash
# Installs the engines and tools that the end-to-end tests talk to, from Debian's
# packages, with the argument aws moto_server from PyPI, and with the argument kube the
# programs of a Kubernetes cluster, from their Go modules: minutes of compiling, once.
# Does nothing where they are there already.
set -euo pipefail

# moto_server stands in for AWS. The tests of targets/lambda look for it here.
moto=${XDG_CACHE_HOME:-$HOME/.cache}/twofold-e2e/moto
moto_version=5.2.5

install_moto() {
  if [ "$("$moto/bin/python" -c 'import moto; print(moto.__version__)' 2>/dev/null)" = "$moto_version" ]; then
    return
  fi
  echo "installing moto $moto_version"
  rm -rf "$moto"
  python3 -m venv "$moto"
  "$moto/bin/pip" install -q "moto[server]==$moto_version"
}

# npm installs the dependencies of the apps that are tested. Debian's package of it
# brings hundreds of others, so that this is npm's own archive.
npm=${XDG_CACHE_HOME:-$HOME/.cache}/twofold-e2e/npm
npm_version=10.9.4

install_npm() {
  if command -v npm >/dev/null || [ -x "$npm/bin/npm" ]; then
    return
  fi
  echo "installing npm $npm_version"
  rm -rf "$npm"
  mkdir -p "$npm/bin"
  curl -fsSL --retry 3 "${npm_config_registry:-https://registry.npmjs.org}/npm/-/npm-$npm_version.tgz" | tar -xz -C "$npm"
  printf '#!/bin/sh\nexec node "%s/package/bin/npm-cli.js" "$@"\n' "$npm" >"$npm/bin/npm"
  chmod +x "$npm/bin/npm"
}

declare -A package=(
  [dockerd]=docker.io [containerd]=containerd [podman]=podman [skopeo]=skopeo
  [docker-registry]=docker-registry [unzip]=unzip [python3]=python3 [node]=nodejs [curl]=curl
  [sshd]=openssh-server [ssh]=openssh-client [crun]=crun
  [redis-server]=redis-server
)
missing=()
# Names of containers and networks of Podman.
[ -x /usr/lib/podman/netavark ] || missing+=(netavark)
[ -x /usr/lib/podman/aardvark-dns ] || missing+=(aardvark-dns)
if [ "${1:-}" = kube ]; then
  package+=([iptables]=iptables [ip]=iproute2)
  [ -x /usr/lib/cni/bridge ] || missing+=(containernetworking-plugins)
fi
for command in "${!package[@]}"; do
  PATH=$PATH:/usr/sbin:/sbin command -v "$command" >/dev/null || missing+=("${package[$command]}")
done
python3 -c 'import ensurepip' 2>/dev/null || missing+=(python3-venv)
if [ ${#missing[@]} -eq 0 ]; then
  install_npm
  if [ "${1:-}" = aws ]; then install_moto; fi
  if [ "${1:-}" = kube ]; then "$(dirname "$0")/kube/build.sh"; "$(dirname "$0")/helm.sh"; fi
  exit 0
fi
sudo=
if [ "$(id -u)" -ne 0 ]; then
  sudo=sudo
fi
echo "installing ${missing[*]}"
export DEBIAN_FRONTEND=noninteractive
$sudo apt-get update -q
$sudo apt-get install -q -y --no-install-recommends "${missing[@]}" iptables ca-certificates
install_npm
if [ "${1:-}" = aws ]; then install_moto; fi
if [ "${1:-}" = kube ]; then "$(dirname "$0")/kube/build.sh"; "$(dirname "$0")/helm.sh"; fi

#!/usr/bin/env bash
# Installs the engines and tools that the end-to-end tests talk to, from Debian's
# packages. Does nothing where they are there already.
set -euo pipefail

declare -A package=(
  [dockerd]=docker.io [containerd]=containerd [podman]=podman [skopeo]=skopeo
  [docker-registry]=docker-registry [unzip]=unzip [python3]=python3 [node]=nodejs [curl]=curl
)
missing=()
for command in "${!package[@]}"; do
  PATH=$PATH:/usr/sbin:/sbin command -v "$command" >/dev/null || missing+=("${package[$command]}")
done
if [ ${#missing[@]} -eq 0 ]; then
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

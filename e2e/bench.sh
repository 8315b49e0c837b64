#!/usr/bin/env bash
# Whole commands beside their peer. The first run fetches and compiles what the
# 60 MB service imports, which takes minutes.
set -euo pipefail
twofold=$(realpath "${1:?usage: e2e/bench.sh TWOFOLD [-n RUNS]}")
shift
cd "$(dirname "$0")"
go run ./bench "$@" "$twofold" bench/httpbin bench/big

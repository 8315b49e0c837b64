#!/usr/bin/env bash
# The main job, on a real server that nobody here wrote: go-httpbin, fetched by its
# import path, compiled once, made into an image and a bundle, both deployed on
# this machine, and asked the same questions.
set -euo pipefail
twofold=$(realpath "${1:?usage: examples/demo.sh TWOFOLD}")
cd "$(dirname "$0")/httpbin"

if [ -t 1 ] && [ -z "${NO_COLOR:-}" ]; then
  bold=$'\e[1m' dim=$'\e[2m' off=$'\e[0m'
else
  bold='' dim='' off=''
fi
say() { printf '\n%s%s%s\n' "$bold" "$*" "$off"; }
run() { printf '%s$ twofold %s%s\n' "$dim" "$*" "$off"; "$twofold" "$@"; }

say "One manifest describes the service"
sed 's/^/    /' twofold.hcl

say "One compile, both forms"
run build

say "Both forms run on this machine"
run deploy --to local.container --to local.function

say "The same requests to both: do they answer alike?"
run parity

say "What the release claims, recomputed from both forms"
run verify httpbin

say "They go on running; this is what is there"
run status

container=$("$twofold" status --json --to local.container | sed -n 's/.*"url": "\(.*\)".*/\1/p')
function=$("$twofold" status --json --to local.function | sed -n 's/.*"url": "\(.*\)".*/\1/p')
cat <<END

${bold}Try them${off}
    as a container   $container/get?hello=world
    as a function    $function/get?hello=world

${dim}examples/httpbin holds the manifest; there, with dist/twofold:
    twofold logs --to local.function -f     what the function prints
    twofold destroy --yes                   remove both${off}
END

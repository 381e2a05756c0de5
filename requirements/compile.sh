#!/usr/bin/env bash
# Compile every lock from its .in file: exact versions, hashes, no index. `make lock` calls this with the path of uv;
# further arguments go to uv, for example --upgrade. Without it, what is locked stays as long as it fits.
set -euo pipefail
uv=$(realpath "$1")
shift
cd "$(dirname "$0")"

compile() {
  "$uv" pip compile --quiet --generate-hashes --no-header "$@"
}

# What goes to Lambda: for its Python and its system, with the hashes of the wheels of both processors.
compile "$@" --python-version 3.13 --python-platform linux runtime.in -o runtime.txt
cp runtime.txt ../layers/core/requirements.txt  # sam build reads it there, and a cached build watches only that file

# What works on it: for every Python and system that people have. Never another version of what goes to Lambda.
compile "$@" --universal --python-version 3.11 --constraints runtime.txt dev.in -o dev.txt
for name in sam checkov uv; do
  compile "$@" --universal --python-version 3.11 "$name.in" -o "$name.txt"
done

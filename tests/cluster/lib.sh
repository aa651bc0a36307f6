# Shared by `node` and `apiserver`: a box of namespaces that holds a control plane, and the control plane's programs.
# shellcheck shell=bash
#
# A box is a network namespace (cp-NAME), and a process-id and a mount namespace held by one process, the keeper. Everything of
# an instance runs inside, so that ending the keeper ends all of it, mounts included: the kernel cleans up. Nothing in a box
# has a route to anywhere else. Paths that programs have hard-coded (/var/lib/cni, /run/containerd, /etc/hosts, …) are private to the box.

. "$(dirname "${BASH_SOURCE[0]}")/../tools/lib.sh"

NODE_IP=172.20.0.1
POD_CIDR=10.244.0.0/24
SERVICE_CIDR=10.96.0.0/16
DNS_IP=10.96.0.10

# box NAME: sets the variables of instance NAME.
box() {
    [[ $1 =~ ^[a-z0-9][a-z0-9-]{0,11}$ ]] || die "an instance's name is 1 to 12 of a-z, 0-9 and '-': \`$1\` is not"
    NAME=$1 NETNS=cp-$1 STATE=${TMPDIR:-/tmp}/claudeprobe-$1 CGROUP=/claudeprobe/$1
    LOGS=$STATE/log PKI=$STATE/pki KUBECONFIG=$STATE/kubeconfig
}

# The keeper is known by its id and its start time: the kernel may have reused the id alone.
started_at() { awk '{sub(/.*\) /, ""); print $20}' "/proc/$1/stat" 2>/dev/null; }
keeper() {
    local pid born
    read -r pid born 2>/dev/null <"$STATE/keeper" || return 1
    [ "$(started_at "$pid")" = "$born" ] && printf '%s' "$pid"
}

# inside CMD…: runs CMD in all namespaces of the box, in the directory we are in.
inside() {
    local pid; pid=$(keeper) || { printf 'error: instance `%s` is not up\n' "$NAME" >&2; return 1; }
    # shellcheck disable=SC2016
    nsenter --target "$pid" --net --mount --pid -- bash -c 'cd "$1" 2>/dev/null || cd /; shift; exec "$@"' - "$PWD" "$@"
}

# start PROGRAM CMD…: starts CMD as a daemon of the box; its output goes to log/PROGRAM, its id (inside the box) to pid/PROGRAM.
start() {
    local program=$1; shift
    rm -f "$STATE/pid/$program"
    # shellcheck disable=SC2016
    inside setsid --fork bash -c 'echo $$ >"$1.tmp"; mv "$1.tmp" "$1"; log=$2; shift 2; exec "$@" >>"$log" 2>&1' \
        - "$STATE/pid/$program" "$LOGS/$program" "$@" </dev/null >/dev/null 2>&1 9>&-
    until_true 30 "$program has a process" test -s "$STATE/pid/$program"
}

# running PROGRAM: is it alive?
running() {
    local pid; pid=$(cat "$STATE/pid/$1" 2>/dev/null) || return 1
    inside test -d "/proc/$pid" 2>/dev/null
}

# stop PROGRAM: SIGTERM, waits for its end, SIGKILL after 10 s.
stop() {
    local pid; pid=$(cat "$STATE/pid/$1" 2>/dev/null) || return 0
    # shellcheck disable=SC2016
    inside bash -c 'kill "$1" 2>/dev/null; for _ in $(seq 100); do [ -d "/proc/$1" ] || exit 0; sleep 0.1; done; kill -9 "$1"' - "$pid" || true
    rm -f "$STATE/pid/$1"
}

# until_true SECONDS WHAT CMD…: waits until CMD succeeds.
until_true() {
    local seconds=$1 what=$2 end=$((SECONDS + $1)); shift 2
    until "$@" >/dev/null 2>&1; do
        [ $SECONDS -lt $end ] || die "$NAME: timeout after $seconds s: $what; logs are in $LOGS"
        sleep 0.2
    done
}

kubectl() { inside "$(tool_dir kubernetes-1.34)/kubectl" --kubeconfig "$KUBECONFIG" "$@"; }

# ---- namespaces ----

open_box() {
    mkdir -p "$STATE"/{pid,log,pki,etc}
    ip netns add "$NETNS"
    ip -n "$NETNS" link set lo up
    ip -n "$NETNS" link add node0 type bridge
    ip -n "$NETNS" addr add "$NODE_IP/24" dev node0
    ip -n "$NETNS" link set node0 up
    # A route that leads nowhere else: Services need one, or connect() fails before NAT sees the packet.
    ip -n "$NETNS" route add default via "$NODE_IP" dev node0
    nsenter --net="/run/netns/$NETNS" sysctl -qw net.ipv4.ip_forward=1
    printf '127.0.0.1 localhost\n%s %s\n' "$NODE_IP" "$NAME" >"$STATE/etc/hosts"
    printf 'nameserver %s\nsearch svc.cluster.local cluster.local\noptions ndots:5\n' "$DNS_IP" >"$STATE/etc/resolv.conf"
    # The keeper is process 1 of the box: it reaps orphans, as init does.
    # shellcheck disable=SC2016
    setsid nsenter --net="/run/netns/$NETNS" unshare --mount --propagation private --pid --fork --kill-child --mount-proc bash -c '
        set -e
        mount --make-rshared /
        for dir in /run/netns /var/lib/cni /var/lib/kubelet /run/containerd /var/log/containers /var/log/pods /etc/cni; do mkdir -p "$dir" "$1/private$dir"; mount --bind "$1/private$dir" "$dir"; done
        for file in hosts resolv.conf; do mount --bind "$1/etc/$file" "/etc/$file"; done
        touch "$1/open"
        while :; do sleep 86400 & wait $! || true; done' - "$STATE" >"$LOGS/keeper" 2>&1 </dev/null 9>&- &
    local outer=$! inner
    disown
    until_true 30 "namespaces are set up" test -e "$STATE/open"
    inner=$(child_of "$outer")
    echo "$inner $(started_at "$inner")" >"$STATE/keeper"
    open_cgroup
}

# The process with id 1 inside the box.
child_of() {
    local pid=$1 child
    while child=$(cat "/proc/$pid/task/$pid/children" 2>/dev/null | awk '{print $1}') && [ -n "$child" ]; do
        pid=$child
        if [ "$(awk '/^NSpid/ {print $NF}' "/proc/$pid/status")" = 1 ]; then printf '%s' "$pid"; return 0; fi
    done
    die "$NAME: the keeper did not start; see $LOGS/keeper"
}

cgroup_roots() { awk '$3 ~ /^cgroup2?$/ {print $2}' /proc/self/mounts; }

# Our group in every hierarchy, cgroup v1 and v2. The kubelet requires it; v1's cpuset needs values, v2 needs its controllers delegated.
open_cgroup() {
    local root dir
    for root in $(cgroup_roots); do
        for dir in "${CGROUP%/*}" "$CGROUP"; do
            mkdir -p "$root$dir"
            if [ -e "$root/cgroup.controllers" ]; then
                sed 's/[a-z_]\+/+&/g' "$root/cgroup.controllers" 2>/dev/null | tee "$root/cgroup.subtree_control" "$root${CGROUP%/*}/cgroup.subtree_control" >/dev/null 2>&1 || true
            elif [ -e "$root$dir/cpuset.cpus" ]; then
                [ -n "$(cat "$root$dir/cpuset.cpus")" ] || cat "$root/cpuset.cpus" >"$root$dir/cpuset.cpus"
                [ -n "$(cat "$root$dir/cpuset.mems")" ] || cat "$root/cpuset.mems" >"$root$dir/cpuset.mems"
            fi
        done
    done
}

# box_ticks: CPU time of the box's processes in 1/100 s, ended ones included.
# shellcheck disable=SC2016
box_ticks() { inside bash -c 'cat /proc/[0-9]*/stat 2>/dev/null' | awk '{sub(/.*\) /, ""); sum += $12 + $13 + $14 + $15} END {print sum + 0}'; }

# close_box: ends everything of the instance, also what a crash left behind.
close_box() {
    local pid root
    if pid=$(keeper); then
        kill -KILL "$pid"
        until_true 30 "its processes are gone" bash -c "! [ -d /proc/$pid ]"
    fi
    for root in $(cgroup_roots); do
        [ -d "$root$CGROUP" ] || continue
        # Groups empty themselves only when the last dead process in them is reaped.
        for _ in $(seq 50); do
            find "$root$CGROUP" -depth -type d -exec rmdir {} + 2>/dev/null || true
            [ -d "$root$CGROUP" ] || break
            sleep 0.1
        done
        rmdir "$root${CGROUP%/*}" 2>/dev/null || true
    done
    if [ -e "/run/netns/$NETNS" ]; then ip netns del "$NETNS"; fi
    rm -rf --one-file-system "$STATE"
}

# ---- certificates ----

authority() { # FILE NAME
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 3650 -subj "/CN=$2" \
        -addext keyUsage=critical,keyCertSign,cRLSign -keyout "$PKI/$1.key" -out "$PKI/$1.crt" 2>/dev/null
}
certificate() { # FILE SUBJECT [SUBJECT-ALTERNATIVE-NAMES]
    openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj "$2" -keyout "$PKI/$1.key" -out "$PKI/$1.csr" 2>/dev/null
    openssl x509 -req -in "$PKI/$1.csr" -CA "$PKI/ca.crt" -CAkey "$PKI/ca.key" -CAcreateserial -days 3650 -out "$PKI/$1.crt" \
        -extfile <(printf 'keyUsage=critical,digitalSignature\nextendedKeyUsage=serverAuth,clientAuth\n%s\n' "${3:+subjectAltName=$3}") 2>/dev/null
}
kubeconfig_of() { # FILE CERTIFICATE
    cat >"$1" <<YAML
apiVersion: v1
kind: Config
clusters: [{name: $NAME, cluster: {server: "https://$NODE_IP:6443", certificate-authority-data: $(base64 -w0 <"$PKI/ca.crt")}}]
users: [{name: $2, user: {client-certificate-data: $(base64 -w0 <"$PKI/$2.crt"), client-key-data: $(base64 -w0 <"$PKI/$2.key")}}]
contexts: [{name: $NAME, context: {cluster: $NAME, user: $2}}]
current-context: $NAME
YAML
}

make_pki() {
    authority ca "$NAME"
    certificate apiserver /CN=kube-apiserver "IP:$NODE_IP,IP:127.0.0.1,IP:${SERVICE_CIDR%.*.*}.0.1,DNS:localhost,DNS:kubernetes,DNS:kubernetes.default,DNS:kubernetes.default.svc,DNS:kubernetes.default.svc.cluster.local"
    certificate admin /O=system:masters/CN=admin
    certificate kubelet-client /O=system:masters/CN=apiserver-kubelet-client
    openssl genrsa -out "$PKI/sa.key" 2048 2>/dev/null
    openssl rsa -in "$PKI/sa.key" -pubout -out "$PKI/sa.pub" 2>/dev/null
    kubeconfig_of "$KUBECONFIG" admin
}

# ---- the API server ----

start_apiserver() { # MODULE (kubernetes-1.34, …)
    make_pki
    start etcd "$(tool_dir etcd)/etcd" --data-dir "$STATE/etcd" --unsafe-no-fsync --listen-client-urls http://127.0.0.1:2379 \
        --advertise-client-urls http://127.0.0.1:2379 --listen-peer-urls http://127.0.0.1:2380 --log-level warn
    # Metadata of every request, once, when it is answered: the tests count requests by user agent.
    cat >"$STATE/audit.yaml" <<'YAML'
apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [RequestReceived, ResponseStarted]
rules: [{level: Metadata}]
YAML
    start kube-apiserver "$(tool_dir "$1")/kube-apiserver" --etcd-servers http://127.0.0.1:2379 --bind-address 0.0.0.0 --advertise-address "$NODE_IP" \
        --secure-port 6443 --tls-cert-file "$PKI/apiserver.crt" --tls-private-key-file "$PKI/apiserver.key" --client-ca-file "$PKI/ca.crt" \
        --kubelet-client-certificate "$PKI/kubelet-client.crt" --kubelet-client-key "$PKI/kubelet-client.key" \
        --kubelet-certificate-authority "$PKI/ca.crt" --kubelet-preferred-address-types InternalIP \
        --service-account-issuer https://kubernetes.default.svc --service-account-signing-key-file "$PKI/sa.key" --service-account-key-file "$PKI/sa.pub" \
        --service-cluster-ip-range "$SERVICE_CIDR" --authorization-mode Node,RBAC --allow-privileged=true \
        --audit-policy-file "$STATE/audit.yaml" --audit-log-path "$STATE/audit.log" --profiling=false
    until_true 120 "the API server is ready" kubectl get --raw /readyz
}

#!/usr/bin/env bash
# What a newcomer's machine lacks, found before a newcomer does: sets the project up in a minimal Debian root, as far as bindgen having
# found its library and the clients of `make test` being there. Takes some minutes; needs root (chroot), and the network.
#
# The root has `libclang-cpp` and no `libclang`, as machines with some other compiler have. Only the Rust toolchain comes from here.
set -euo pipefail
cd "$(dirname "$0")/.."
[ "$(id -u)" = 0 ] || exec sudo -E "$0" "$@"
scripts/setup.sh fresh

suite=$(. /etc/os-release && [ "$ID" = debian ] && echo "$VERSION_CODENAME" || echo bookworm)
mirror=$(grep -rhoE 'https?://[^ ]+/debian/?( |$)' /etc/apt/sources.list /etc/apt/sources.list.d 2>/dev/null | head -n 1 | tr -d ' ' || true)
root=$(mktemp -d --tmpdir troupedb-fresh.XXXXXX)
clean() {
    umount -q "$root/opt/rustup" "$root/opt/cargo" "$root/proc" || true
    # Never through a mount that is still there.
    mountpoint -q "$root/opt/cargo" || mountpoint -q "$root/opt/rustup" || rm -rf --one-file-system "$root"
}
trap clean EXIT

echo "a minimal Debian $suite in $root"
debootstrap --variant=minbase --include=ca-certificates,make,libclang-cpp14 "$suite" "$root" "${mirror:-http://deb.debian.org/debian}" \
    >"$root.log" 2>&1 || { tail -n 20 "$root.log"; exit 1; }
rm -f "$root.log"
mkdir -p "$root/src" "$root/opt/rustup" "$root/opt/cargo"
git ls-files -z --cached --others --exclude-standard | tar --null -T - -c | tar -x -C "$root/src"
mount --bind "${RUSTUP_HOME:-$HOME/.rustup}" "$root/opt/rustup"
mount --bind "${CARGO_HOME:-$HOME/.cargo}" "$root/opt/cargo"
mount -t proc proc "$root/proc"
cp /etc/resolv.conf "$root/etc/" 2>/dev/null || true
# Behind a proxy its certificates and settings are needed in there too.
[ -e /etc/ssl/certs/ca-certificates.crt ] && cp /etc/ssl/certs/ca-certificates.crt "$root/etc/ssl/certs/"
mapfile -t passed < <(env | grep -iE '^(https?_proxy|no_proxy|pip_[a-z_]+|npm_config_[a-z_]+|ssl_cert_[a-z]+|node_extra_ca_certs)=' || true)
inside() {
    chroot "$root" /usr/bin/env -i "${passed[@]}" HOME=/root TERM=dumb CARGO_TERM_COLOR=never RUSTUP_HOME=/opt/rustup CARGO_HOME=/opt/cargo \
        CARGO_TARGET_DIR=/target PATH=/opt/cargo/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
        bash -euc "cd /src; $1"
}

echo "what a build and the tests need"
inside 'scripts/setup.sh build test'
inside 'scripts/setup.sh build test' >"$root/second" && [ ! -s "$root/second" ] || {
    echo "set up twice, and the second time found something missing:" >&2
    cat "$root/second" >&2
    exit 1
}
echo "bindgen"
# The library itself is not built: an empty folder passes for it as long as nothing is linked.
inside 'mkdir -p /rocksdb; ROCKSDB_LIB_DIR=/rocksdb ROCKSDB_STATIC=1 cargo check --release --locked -q -p librocksdb-sys'
inside 'grep -q rocksdb_open /target/release/build/librocksdb-sys-*/out/bindings.rs'
echo "fresh-check: passed"

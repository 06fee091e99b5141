#!/usr/bin/env bash
# Installs what is missing on Debian and Ubuntu, or prints the one command that would.
#
#   setup.sh build   libclang (RocksDB's bindings), a C++ compiler
#   setup.sh test    the clients that the tests run: mariadb, Python, Node, chromium, sysbench; etcd
#   setup.sh bench   MariaDB's server, Galera and sysbench
set -euo pipefail

need=()
want() { # want PACKAGE TEST...: the package, unless the test succeeds
    local package=$1
    shift
    "$@" >/dev/null 2>&1 || need+=("$package")
}
have() { command -v "$1"; }
libclang() { ldconfig -p | grep -q libclang || ls /usr/lib/llvm-*/lib/libclang*.so*; }

case "${1:-build}" in
build)
    want libclang-dev libclang
    want g++ have c++
    want make have make
    ;;
test)
    want mariadb-client have mariadb
    want sysbench have sysbench
    want python3 have python3
    want python3-venv python3 -c 'import venv, ensurepip'
    want nodejs have node
    want npm have npm
    want chromium have chromium
    want etcd-server have etcd
    ;;
bench)
    want mariadb-server have mariadbd
    want galera-4 test -e /usr/lib/galera/libgalera_smm.so
    want rsync have rsync
    want lsof have lsof
    want mariadb-client have mariadb
    want sysbench have sysbench
    want python3 have python3
    ;;
esac

if ((${#need[@]})); then
    sudo=$([ "$(id -u)" = 0 ] || echo sudo)
    install="$sudo apt-get install -y --no-install-recommends ${need[*]}"
    if ! have apt-get >/dev/null; then
        echo "missing: ${need[*]}; install them with your system's package manager" >&2
        exit 1
    fi
    if [ -n "$sudo" ] && ! sudo -n true 2>/dev/null; then
        echo "missing: ${need[*]}; run:  sudo apt-get update && $install" >&2
        exit 1
    fi
    echo "installing: ${need[*]}"
    export DEBIAN_FRONTEND=noninteractive
    $sudo apt-get update -qq
    $install >/dev/null
fi

if [ "${1:-build}" = test ]; then
    # The drivers live beside the build, not in the source tree.
    clients=${TROUPEDB_CLIENTS:-${CARGO_TARGET_DIR:-target}/clients}
    mkdir -p "$clients"
    if [ ! -e "$clients/python.done" ]; then
        python3 -m venv "$clients/python"
        "$clients/python/bin/pip" install -q --disable-pip-version-check \
            -r tests/it/clients/requirements.txt
        touch "$clients/python.done"
    fi
    if [ ! -e "$clients/node.done" ]; then
        mkdir -p "$clients/node"
        cp tests/it/clients/package.json "$clients/node/"
        (cd "$clients/node" && npm install --silent --no-audit --no-fund)
        touch "$clients/node.done"
    fi
fi

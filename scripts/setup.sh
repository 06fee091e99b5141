#!/usr/bin/env bash
# Installs what is missing on Debian and Ubuntu, or prints the one command that would.
#
#   setup.sh build   what a build needs: libclang (RocksDB's bindings), compilers, the Rust toolchain (looked for, not installed)
#   setup.sh test    the clients that the tests run: mariadb, Python, Node, chromium, sysbench; etcd; MariaDB's server to compare with
#   setup.sh suite   MariaDB's server and its public test suite
#   setup.sh bench   MariaDB's server, Galera and sysbench
#   setup.sh fresh   debootstrap, for `make fresh-check`
#
# Several may be named: `setup.sh build test` looks for everything before anything long starts. Each thing is looked for in the way
# its user looks for it, and once more after its package was installed.
set -euo pipefail

have() { command -v "$1"; }

# The library as clang-sys finds it for bindgen (its names, its folders), and the headers that belong to it. `libclang-cpp.so` is
# another library, which a machine may have alone.
libclang() {
    local dir file found= paths=${LIBCLANG_PATH:-}:${LD_LIBRARY_PATH:-}
    for dir in ${paths//:/ } $(llvm-config --libdir 2>/dev/null) \
        /usr/local/llvm*/lib* /usr/local/lib*/*/* /usr/local/lib*/* /usr/local/lib* /usr/lib/llvm-*/lib /usr/lib*/*/* /usr/lib*/* /usr/lib*; do
        for file in "$dir"/libclang.so "$dir"/libclang-*.so "$dir"/libclang.so.* "$dir"/libclang-*.so.*; do
            case $file in *libclang-cpp*) continue ;; esac
            [ -e "$file" ] && found=$file && break 2
        done
    done
    [ -n "$found" ] && clang_headers
}
clang_headers() { # what C's own headers include: they come with the compiler, not with the library
    local file
    for file in "$(clang -print-resource-dir 2>/dev/null)"/include/stddef.h /usr/lib/llvm-*/lib/clang/*/include/stddef.h \
        /usr/lib*/clang/*/include/stddef.h /usr/local/lib*/clang/*/include/stddef.h; do
        [ -e "$file" ] && return
    done
    return 1
}
cxx_works() { # compiles C++20 with the standard library, and links
    local out
    out=$(mktemp) || return
    printf '#include <compare>\n#include <string>\nint main() { return std::string("a") <=> "a" == 0 ? 0 : 1; }\n' |
        ${CXX:-c++} -std=c++20 -x c++ - -o "$out" && "$out"
    local code=$?
    rm -f "$out"
    return $code
}
cc_works() { echo 'int main(void) { return 0; }' | ${CC:-cc} -x c - -o /dev/null; }
python_venv() { # a virtual environment needs ensurepip, which Debian packs apart
    local dir code
    dir=$(mktemp -d) || return
    python3 -m venv "$dir/venv" && "$dir/venv/bin/pip" --version
    code=$?
    rm -rf "$dir"
    return $code
}
browser_works() { chromium --headless --no-sandbox --disable-gpu --version; }
public_suite() { have mysqltest && test -d /usr/share/mysql/mysql-test/main; }
galera() { test -e /usr/lib/galera/libgalera_smm.so; }

# The toolchain is the user's own: it is only looked at, and before anything long starts.
rust() {
    local manifest wanted found
    manifest=$(dirname "$0")/../Cargo.toml
    wanted=$(sed -n 's/^rust-version = "\(.*\)"/\1/p' "$manifest")
    if ! have cargo >/dev/null || ! have rustc >/dev/null; then
        echo "missing: Rust $wanted or later; see https://rustup.rs" >&2
        exit 1
    fi
    found=$(rustc --version | cut -d' ' -f2)
    if [ "$(printf '%s\n' "$wanted" "$found" | sort -V | head -n 1)" != "$wanted" ]; then
        echo "Rust $found is too old: this needs $wanted or later (rustup update)" >&2
        exit 1
    fi
}

# package | how its user looks for it
things() {
    case $1 in
    build) cat <<'END'
g++ cxx_works
gcc cc_works
binutils have ar
libclang-dev libclang
END
    ;;
    test) cat <<'END'
mariadb-client have mariadb
mariadb-server have mariadbd
sysbench have sysbench
python3 have python3
python3-venv python_venv
nodejs have node
npm have npm
chromium browser_works
etcd-server have etcd
END
    ;;
    bench) cat <<'END'
mariadb-server have mariadbd
galera-4 galera
rsync have rsync
lsof have lsof
mariadb-client have mariadb
sysbench have sysbench
python3 have python3
END
    ;;
    suite) cat <<'END'
mariadb-server have mariadbd
mariadb-client have mariadb
mariadb-test public_suite
python3 have python3
python3-venv python_venv
END
    ;;
    fresh) echo "debootstrap have debootstrap" ;;
    *)
        echo "setup.sh: '$1' is none of build, test, suite, bench, fresh" >&2
        exit 2
        ;;
    esac
}

# Sets `need` to the packages of what does not work on this machine.
look_around() {
    local package look
    need=()
    while read -r package look; do
        $look </dev/null >/dev/null 2>&1 || need+=("$package")
    done <<<"$wanted"
}

[ $# -gt 0 ] || set -- build
wanted=$(for what in "$@"; do things "$what"; done)
case " $* " in *" build "*) rust ;; esac
look_around
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
    look_around
    if ((${#need[@]})); then
        echo "installed, and still not found by those who need it: ${need[*]}" >&2
        exit 1
    fi
fi

case " $* " in *" test "*)
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
    ;;
esac

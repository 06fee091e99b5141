#!/usr/bin/env bash
# Builds the RocksDB that comes with the librocksdb-sys crate into one static library, a few large
# translation units at a time (RocksDB supports that: its own `make unity`). Parsing the same headers 340 times
# is most of the crate's own build. This way takes ten minutes of processor time (measured), by estimate a fifth of what
# the crate's takes. Prints the library's directory.
#
#   rocksdb.sh TARGET_DIR
set -euo pipefail

out=$1/rocksdb
cargo=${CARGO:-cargo}
metadata=$("$cargo" metadata --locked --format-version 1 --filter-platform "$(rustc -vV | sed -n 's/^host: //p')")
source_of() { # the directory of a crate
    grep -o "\"manifest_path\":\"[^\"]*/$1-[0-9][^\"/]*/Cargo.toml\"" <<<"$metadata" |
        head -n 1 | sed 's/.*:"\(.*\)\/Cargo.toml"/\1/'
}
crate=$(source_of librocksdb-sys)
zstd=$(source_of zstd-sys)
lz4=$(source_of lz4-sys)

case $(uname -m) in
x86_64) machine="-msse2 -msse4.1 -msse4.2 -mpclmul" ;; # every x86-64 since 2009: CRC32C in hardware
aarch64) machine="-march=armv8-a+crc+crypto" ;;
*) machine="" ;;
esac
flags="-O2 -fPIC -w -std=c++20 -fno-rtti $machine -include cstdint
    -I$crate/rocksdb/include -I$crate/rocksdb -I$crate/rocksdb/third-party/gtest-1.8.1/fused-src -I$crate
    -I$zstd/zstd/lib -I$lz4/liblz4/lib -DLZ4=1 -DZSTD=1 -DNDEBUG -DHAVE_ALIGNED_NEW -DHAVE_UINT128_EXTENSION
    -DOS_LINUX -DROCKSDB_PLATFORM_POSIX -DROCKSDB_LIB_IO_POSIX -DROCKSDB_SCHED_GETCPU_PRESENT
    -DROCKSDB_AUXV_GETAUXVAL_PRESENT -DROCKSDB_FALLOCATE_PRESENT -DROCKSDB_RANGESYNC_PRESENT"

stamp="$(basename "$crate") $machine"
if [ "$(cat "$out/stamp" 2>/dev/null)" != "$stamp" ]; then
    echo "building $(basename "$crate") (once; some minutes)" >&2
    rm -rf "$out"
    mkdir -p "$out/units"
    grep '\.cc' "$crate/rocksdb_lib_sources.txt" | tr -d ' \t' | grep -v '^util/build_version.cc' |
        sed 's/.*/#include "&"/' >"$out/units/all"
    (cd "$out/units" && split -n l/8 -d --additional-suffix=.cc all unit. && rm all)
    cp "$crate/build_version.cc" "$out/units/"
    # A unit takes up to 2 GiB while it is compiled.
    memory=$(awk '/MemAvailable/ {print int($2 / 2097152)}' /proc/meminfo)
    jobs=$(nproc)
    [ "$memory" -ge 1 ] && [ "$memory" -lt "$jobs" ] && jobs=$memory
    printf '%s\n' "$out"/units/*.cc | xargs -P "$jobs" -I{} sh -c "${CXX:-c++} $(tr '\n' ' ' <<<"$flags") -c {} -o {}.o"
    ar crs "$out/librocksdb.a" "$out"/units/*.o
    rm -rf "$out/units"
    echo "$stamp" >"$out/stamp"
fi
echo "$out"

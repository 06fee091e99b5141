#!/usr/bin/env bash
# Says what a build is about to do, if it is long.
#
#   announce.sh TARGET_DIR
set -euo pipefail

# The last of the dependencies to be compiled.
if ! ls "$1"/release/deps/libdatafusion_physical_plan-*.rlib >/dev/null 2>&1; then
    crates=$(grep -c '^name = ' "$(dirname "$0")/../Cargo.lock")
    echo "The first build compiles RocksDB and up to $crates crates: about 50 minutes of processor time (42 minutes were measured" \
        "on two cores that were not idle)." \
        "Later ones compile TroupeDB alone."
fi

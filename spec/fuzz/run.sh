#!/bin/sh
# Runs fuzzers one after the other, and has one line for each: executions, seconds, findings.
# Usage: run.sh SECONDS TARGET...  in the tree's root; FUZZ_BUILD is where `make fuzzers` put everything.
set -u

seconds=$1
shift
build=${FUZZ_BUILD:-build/fuzz}
failed=0

for target in "$@"; do
    found=$build/found/$target
    log=$build/$target.log
    dictionary=
    mkdir -p "$found" "$build/grown/$target"
    rm -f "$found"/*
    case $target in
        read | patch) dictionary=-dict=$build/corpus/xml.dict ;;
        recipe) dictionary=-dict=$build/corpus/recipe.dict ;;
    esac
    # What libFuzzer finds worth keeping goes to the first folder, so that the next run begins there.
    "$build/bin/$target" ${dictionary:+"$dictionary"} -max_total_time="$seconds" -timeout=10 -rss_limit_mb=2560 \
        -malloc_limit_mb=1536 -max_len=16384 -print_final_stats=1 -artifact_prefix="$found/" \
        "$build/grown/$target" "$build/corpus/$target" >"$log" 2>&1 || failed=1
    runs=$(sed -n 's/^stat::number_of_executed_units: *//p' "$log")
    took=$(sed -n 's/^Done .* in \([0-9]*\) second.*/\1/p' "$log")
    echo "fuzz $target: ${runs:-?} executions in ${took:-?} seconds, $(find "$found" -type f | wc -l) findings"
    # Where it ended early, why.
    [ -n "$took" ] || grep -E 'broken:|ERROR:|runtime error|^SUMMARY' "$log" | head -5
done
exit "$failed"

#!/bin/sh
# Runs the parts of `make check` one after the other, counts what passed and failed, and sums it up.
# A part that runs busted counts each of its tests; any other part counts as one. A part that ends with an error
# though no test of it failed (a crash, a leak found at the end) counts as one failure more.
#
#   summary.sh start            forget earlier results
#   summary.sh run NAME COMMAND...
#   summary.sh end              print the sum; fail if anything failed, or nothing ran
#
# The full output of each part is kept in build/check/NAME.log, the sum in build/check/total; SUMMARY_DIR names another
# folder.
set -u

dir=${SUMMARY_DIR:-build/check}

# The sums of all lines that busted ends with: "12 successes / 0 failures / 0 errors / 0 pending : 0.1 seconds".
busted_counts() {
    sed -n 's|^\([0-9]*\) success[es]* / \([0-9]*\) failures* / \([0-9]*\) errors* / \([0-9]*\) pending.*|\1 \2 \3 \4|p' "$1" |
        awk '{ a += $1; b += $2; c += $3; d += $4 } END { if (NR) print a, b, c, d }'
}

run() {
    name=$1
    shift
    log=$dir/$name.log
    begun=$(date +%s)
    "$@" >"$log" 2>&1
    status=$?
    seconds=$(($(date +%s) - begun))

    # shellcheck disable=SC2046 # the counts are separate words
    set -- $(busted_counts "$log")
    if [ $# -eq 4 ]; then
        passed=$1 failed=$(($2 + $3)) skipped=$4
    else
        passed=0 failed=0 skipped=0
        [ "$status" -eq 0 ] && passed=1
    fi
    [ "$status" -ne 0 ] && [ "$failed" -eq 0 ] && failed=1

    echo "$name $passed $failed $skipped" >>"$dir/parts"
    [ "$failed" -gt 0 ] && cat "$log"
    {
        printf '%-18s %6d passed %4d failed %4d skipped  %4d s\n' "$name" "$passed" "$failed" "$skipped" "$seconds"
        # What could not run here, and why; and with what the rest ran.
        grep -oE '^with: .*|skipped: .*' "$log" | sed 's/^/    /'
    } | tee -a "$dir/lines"
}

end() {
    awk '{ passed += $2; failed += $3 } END { print passed + 0, failed + 0 }' "$dir/parts" >"$dir/total"
    read -r passed failed <"$dir/total"
    if [ "$failed" -gt 0 ]; then
        cat "$dir/lines" # what failed has said much in between
        echo "$failed of $((passed + failed)) failed; the output of each part is in $dir."
        exit 1
    fi
    if [ "$passed" -eq 0 ]; then
        echo "Nothing ran."
        exit 1
    fi
    echo "All $passed passed."
}

case ${1:-} in
    start) rm -rf "$dir" && mkdir -p "$dir" && : >"$dir/parts" ;;
    run) shift && run "$@" ;;
    end) end ;;
    *) echo "usage: summary.sh start | run NAME COMMAND... | end" >&2 && exit 64 ;;
esac

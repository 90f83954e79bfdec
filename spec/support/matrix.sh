#!/bin/sh
# Runs specs with other versions than this machine's of all that virtlun stands on. It knows the variants, release.sh
# knows how to come by them.
#
#   matrix.sh VARIANT    say with which versions, and run the variant's specs
set -eu

# With a Lua the modules and the rock are built and all but the live specs run inside of the release; without one the live
# specs run here, against the release's libvirt and QEMU.
variants() {
    cat <<'END'
#variant      release   Lua
lua5.3        bookworm  lua5.3
lua5.5        sid       lua5.5
libxml2-2.15  sid       lua5.4
trixie        trixie    -
sid           sid       -
END
}

# SPECS, if the user says so, are the only ones that run.
specs_with() {
    # shellcheck disable=SC2016 # these words are for the shell inside
    sh spec/support/release.sh inside "$release" "$lua" sh -c '
        echo "with: $("$1" -v 2>&1 | cut -d" " -f1,2), libxml2 $(pkg-config --modversion libxml-2.0)," \
            "libvirt $(pkg-config --modversion libvirt)"
        exec make --no-print-directory -k LUA="$1" LUA_PC="$1" BUILD="build/$1" ${SPECS:+SPECS="$SPECS"} specs rock' \
        sh "$lua"
}

live_specs() {
    echo "with: $(sh spec/support/release.sh version "$release" | tr '\n' ' ')"
    sh spec/support/release.sh "$release" "${MAKE:-make}" --no-print-directory live-specs
}

line=$(variants | grep "^$1 ") || { echo "no variant is called '$1'" >&2; exit 64; }
# shellcheck disable=SC2086 # the line is three words
set -- $line
release=$2 lua=$3
if [ "$lua" = - ]; then live_specs; else specs_with; fi

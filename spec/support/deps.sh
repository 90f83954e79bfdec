#!/bin/sh
# Knows what virtlun needs on a machine: how to see whether it is there, what it is, and which package brings it.
# It looks at what is really there (a command, a header, a Lua module), never at a package database, so that
# things built by hand count too. Only `install` changes the machine, and it says what it does before it does it.
#
#   deps.sh check TIER      name what TIER lacks and how to get it; fail if anything is missing
#   deps.sh install TIER    install what TIER lacks, and nothing else
#   deps.sh lua             print the name of the Lua interpreter
#   deps.sh lua-pc          print the pkg-config name of that Lua
#   deps.sh luarocks        print the name of LuaRocks
#
# The tiers are build, check, and beyond that live, fuzz and valgrind; each contains the ones before, but not each other. LUA, LUA_PC and CC choose other tools.
set -u

CC=${CC:-cc}

# One need per line: tier, probe, its argument, the packages of five package managers, and what it is.
# "-" stands for "comes with something else here, or has no package", "+" joins several packages, and "rock:x"
# names a rock for distributions that do not package a Lua module.
needs() {
    cat <<'END'
#tier    probe    of               apt             dnf              pacman        apk             zypper          what
build    cc       -                gcc+libc6-dev   gcc+glibc-devel  gcc           gcc+musl-dev    gcc+glibc-devel a C compiler with the C library's headers
build    command  pkg-config       pkg-config      pkgconf-pkg-config pkgconf     pkgconf         pkgconf         pkg-config
build    lua      -                lua5.4          lua              lua54         lua5.4          lua54           a Lua interpreter, 5.3 or newer
build    lua-pc   -                liblua5.4-dev   lua-devel        lua54         lua5.4-dev      lua54-devel     the headers of that Lua (lua5.4.pc)
build    pc       libxml-2.0       libxml2-dev     libxml2-devel    libxml2       libxml2-dev     libxml2-devel   the headers of libxml2 (libxml-2.0.pc)
build    pc       libvirt          libvirt-dev     libvirt-devel    libvirt       libvirt-dev     libvirt-devel   the headers of libvirt (libvirt.pc)
build    module   argparse         lua-argparse    lua-argparse     lua54-argparse lua-argparse   lua54-argparse  the Lua module argparse
build    module   dkjson           lua-dkjson      rock:dkjson      lua54-dkjson  rock:dkjson     rock:dkjson     the Lua module dkjson
check    module   busted           lua-busted      rock:busted      lua54-busted  lua5.4-busted   lua54-busted    the test runner busted, as a module of that Lua
check    command  luacheck         lua-check       rock:luacheck    luacheck      luacheck        rock:luacheck   luacheck, which lints Lua
check    command  cppcheck         cppcheck        cppcheck         cppcheck      cppcheck        cppcheck        cppcheck, which lints C
check    command  luarocks         luarocks        luarocks         luarocks      luarocks5.4     lua54-luarocks  LuaRocks
check    command  libvirtd         libvirt-daemon+libvirt-daemon-driver-qemu libvirt-daemon-driver-qemu libvirt libvirt-daemon libvirt-daemon-qemu the daemon libvirtd with its QEMU driver
check    command  virsh            libvirt-clients libvirt-client   libvirt       libvirt-client  libvirt-client  virsh
check    command  qemu-system-x86_64 qemu-system-x86 qemu-system-x86-core qemu-system-x86 qemu-system-x86_64 qemu-x86 QEMU for x86_64
check    command  qemu-system-s390x qemu-system-s390x qemu-system-s390x-core qemu-system-s390x qemu-system-s390x qemu-s390x QEMU for s390x
check    module   luv              lua-luv         rock:luv         lua-luv       rock:luv      lua54-luv       the Lua module luv
check    module   cqueues          lua-cqueues     rock:cqueues     rock:cqueues  lua5.4-cqueues rock:cqueues   the Lua module cqueues
check    tsan     -                -               libtsan          -             -               -               the compiler's thread sanitizer
check    asan     -                -               libasan+libubsan -             -               -               the compiler's address and undefined behaviour sanitizers
check    static   lzma             liblzma-dev     xz-static        -             xz-static     -               liblzma to link with statically, as libxml2.a wants it
check    static   z                zlib1g-dev      zlib-static      -             zlib-static   -               zlib to link with statically, as libxml2.a wants it
check    static   stdc++           g++             libstdc++-static -             g++           -               the C++ library to link with statically, as ICU wants it
check    command  gzip             gzip            gzip             gzip          gzip            gzip            gzip, which packs the guest's initramfs
live     command  tgtd             tgt             scsi-target-utils -            -               tgt             tgtd, which serves disks over iSCSI
live     file     /usr/lib*/*/qemu/block-iscsi.so:/usr/lib*/qemu*/block-iscsi.so qemu-block-extra qemu-block-iscsi qemu-block-iscsi qemu-block-iscsi qemu-block-iscsi QEMU's iSCSI client
live     file     /usr/share/locale/de/LC_MESSAGES/libvirt.mo libvirt-l10n libvirt-libs libvirt libvirt-lang libvirt-libs libvirt's messages in German
live     command  saslpasswd2      sasl2-bin+libsasl2-modules cyrus-sasl+cyrus-sasl-scram cyrus-sasl cyrus-sasl+cyrus-sasl-scram cyrus-sasl+cyrus-sasl-scram saslpasswd2, which makes users for SASL
live     command  sshd             openssh-server   openssh-server   openssh       openssh-server  openssh-server  the SSH server sshd
live     command  nc               netcat-openbsd   nmap-ncat        openbsd-netcat netcat-openbsd netcat-openbsd  nc, which passes a socket on over SSH
live     command  debootstrap      debootstrap     debootstrap      debootstrap   debootstrap     debootstrap     debootstrap, which makes other releases of Debian
fuzz     fuzzer   -                clang+libclang-rt-dev clang+compiler-rt clang+compiler-rt clang+compiler-rt clang+llvm-devel clang with its fuzzer and sanitizers
valgrind command  valgrind         valgrind        valgrind         valgrind      valgrind        valgrind        valgrind
END
}

find_lua() {
    for name in ${LUA:-lua5.4 lua54 lua-5.4 lua}; do
        # Some call an older one lua.
        if "$name" -e "os.exit(math.type ~= nil)" >/dev/null 2>&1; then # Lua 5.3 and newer have it
            echo "$name"
            return 0
        fi
    done
    return 1
}

# The version of Lua for which LuaRocks is to install: the one that is there, or will be.
lua_version() {
    lua=$(find_lua) || { echo 5.4; return; }
    "$lua" -e 'print((_VERSION:match("%d+%.%d+")))'
}

find_lua_pc() {
    find_lua >/dev/null || return 1
    version=$(lua_version)
    short=$(echo "$version" | tr -d .)
    for name in ${LUA_PC:-lua$version lua$short lua-$version lua}; do
        case $(pkg-config --modversion "$name" 2>/dev/null) in
            "$version"*) echo "$name"; return 0 ;;
        esac
    done
    return 1
}

find_luarocks() {
    for name in luarocks luarocks-5.4 luarocks5.4; do
        command -v "$name" && return 0
    done
    return 1
}

# find_file PATTERNS: is there a file that one of the patterns means? They are joined by colons.
find_file() {
    for pattern in $(echo "$1" | tr : ' '); do
        # shellcheck disable=SC2086 # a pattern is to become the paths that it means
        for path in $pattern; do [ ! -e "$path" ] || return 0; done
    done
    return 1
}

# has_archive NAME: does the compiler find libNAME.a?
has_archive() {
    case $($CC -print-file-name="lib$1.a") in */*) return 0 ;; esac
    return 1
}

# probe KIND ARGUMENT: is it there?
probe() {
    case $1 in
        cc) echo '#include <stdio.h>' | $CC -E -x c - ;;
        asan) printf 'int main(void) { return 0; }\n' | $CC -fsanitize=address,undefined -x c -o /dev/null - ;;
        fuzzer) printf '#include <stddef.h>\nint LLVMFuzzerTestOneInput(const char *d, size_t n) { return n && !d; }\n' |
            clang -fsanitize=fuzzer,address,undefined -x c -o /dev/null - ;;
        tsan) printf 'int main(void) { return 0; }\n' | $CC -fsanitize=thread -x c -o /dev/null - ;;
        command) if [ "$2" = luarocks ]; then find_luarocks; else command -v "$2"; fi ;;
        lua) find_lua ;;
        lua-pc) find_lua_pc ;;
        pc) pkg-config --exists "$2" ;;
        file) find_file "$2" ;;
        # Without a static libxml2 nothing is linked statically, and nothing more is needed for it.
        static) ! has_archive xml2 || has_archive "$2" ;;
        module) lua=$(find_lua) && "$lua" -e "require('$2')" ;;
    esac >/dev/null 2>&1
}

# The column of this machine's package manager in the table, or 0.
manager_column() {
    column=4
    for name in apt-get dnf pacman apk zypper; do
        if command -v "$name" >/dev/null 2>&1; then
            echo "$column"
            return
        fi
        column=$((column + 1))
    done
    echo 0
}

# Prints the table's lines of a tier whose probe fails.
missing() {
    case $1 in
        build) tiers=build ;;
        check) tiers='build|check' ;;
        live) tiers='build|check|live' ;;
        valgrind) tiers='build|check|valgrind' ;;
        fuzz) tiers='build|check|fuzz' ;;
        *) echo "deps.sh: no tier is called '$1'" >&2; exit 64 ;;
    esac
    needs | grep -E "^($tiers) " | while read -r tier kind of rest; do
        probe "$kind" "$of" || echo "$tier $kind $of $rest"
    done
}

# packages LINES COLUMN: the packages that bring the missing things.
packages() {
    echo "$1" | awk -v column="$2" 'column && $column != "-" && $column !~ /^rock:/ { print $column }' |
        tr + '\n' | sort -u | tr '\n' ' '
}

rocks() {
    echo "$1" | awk -v column="$2" 'column && sub(/^rock:/, "", $column) { print $column }' | tr '\n' ' '
}

# The command that installs the packages which follow it.
installer() {
    case $1 in
        4) echo "apt-get install -y --no-install-recommends" ;;
        5) echo "dnf install -y" ;;
        6) echo "pacman -S --needed --noconfirm" ;;
        7) echo "apk add" ;;
        8) echo "zypper --non-interactive install" ;;
    esac
}

# Prints what is missing and the commands that bring it.
report() {
    sudo=$([ "$(id -u)" = 0 ] || echo "sudo ")
    echo "virtlun needs what this machine lacks:"
    echo "$1" | while read -r _ _ _ _ _ _ _ _ what; do echo "  - $what"; done
    if [ -n "$(packages "$1" "$2")" ]; then
        echo "To get it:  $sudo$(installer "$2") $(packages "$1" "$2")"
    fi
    for rock in $(rocks "$1" "$2"); do
        echo "To get it:  ${sudo}luarocks --lua-version=$(lua_version) install $rock"
    done
    if [ "$2" = 0 ]; then
        echo "This machine's package manager is not known here; please install them by hand."
    fi
}

as_root() {
    if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi
}

# shellcheck disable=SC2046,SC2086 # the installer and the packages are lists of words
install_packages() {
    wanted=$(packages "$1" "$2")
    [ -n "$wanted" ] || return 0
    if [ "$2" != 4 ]; then
        as_root $(installer "$2") $wanted
        return
    fi
    # A fresh Debian has no package lists yet, and an old list names versions that are gone.
    ls /var/lib/apt/lists/*_Packages* >/dev/null 2>&1 || as_root apt-get update -q || return 1
    as_root env DEBIAN_FRONTEND=noninteractive $(installer 4) $wanted && return 0
    as_root apt-get update -q && as_root env DEBIAN_FRONTEND=noninteractive $(installer 4) $wanted
}

install_rocks() {
    for rock in $(rocks "$1" "$2"); do
        # The tier "build" does not ask for LuaRocks otherwise.
        luarocks=$(find_luarocks) || { echo "The rock $rock needs LuaRocks, which is not installed." >&2; return 1; }
        as_root "$luarocks" --lua-version="$(lua_version)" install "$rock" || return 1
    done
}

case ${1:-} in
    lua) find_lua ;;
    lua-pc) find_lua_pc ;;
    luarocks) find_luarocks ;;
    check)
        lacking=$(missing "$2") || exit
        [ -z "$lacking" ] && exit 0
        report "$lacking" "$(manager_column)" >&2
        exit 1
        ;;
    install)
        lacking=$(missing "$2") || exit
        [ -z "$lacking" ] && exit 0
        report "$lacking" "$(manager_column)"
        [ "$(manager_column)" = 0 ] && exit 1
        if [ "$(id -u)" != 0 ] && ! command -v sudo >/dev/null 2>&1; then
            echo "Installing needs root or sudo." >&2
            exit 1
        fi
        echo "Installing now."
        install_packages "$lacking" "$(manager_column)" && install_rocks "$lacking" "$(manager_column)" || exit 1
        exec sh "$0" check "$2"
        ;;
    *)
        echo "usage: deps.sh check|install TIER, or deps.sh lua|lua-pc|luarocks" >&2
        exit 64
        ;;
esac

#!/bin/sh
# A Debian release in a folder, for its libvirt and QEMU, or for all that is in it: made on first use, and kept. A daemon
# started inside serves clients outside through its socket (see session.sh, VIRTLUN_LIVE_ROOT). Takes root, because it
# takes chroot.
#
#   release.sh SUITE COMMAND...            run a command with VIRTLUN_LIVE_ROOT=build/matrix/SUITE
#   release.sh inside SUITE LUA COMMAND... run a command inside, in a copy of this tree, where a Lua (lua5.3) and all
#                                          that building and the specs need is there
#   release.sh version SUITE               print the release's versions of libvirt and QEMU
#
# It comes from this machine's own package source, a mirror of which may lag behind: packages that are signed will do.
set -eu

# The first source of this machine that debootstrap can use.
source_uri() {
    cat /etc/apt/sources.list.d/*.sources 2>/dev/null | sed -n 's/^URIs: *\([^ ]*\).*/\1/p' | head -n 1 | grep . ||
        sed -n 's/^deb \(\[[^]]*\] \)\{0,1\}\([^ ]*\) .*/\2/p' /etc/apt/sources.list | head -n 1
}

in_release() {
    DEBIAN_FRONTEND=noninteractive LC_ALL=C chroot "$dir" "$@"
}

# The release with nothing in it.
make_base() {
    unmount_all
    rm -rf "$dir"
    mkdir -p "$dir"
    debootstrap --variant=minbase "$suite" "$dir" "$(source_uri)"
}

install() {
    in_release apt-get update -q -o Acquire::Check-Valid-Until=false &&
        in_release apt-get install -q -y --no-install-recommends "$@" &&
        in_release apt-get clean
}

# What live specs want.
make_host() {
    install libvirt-daemon libvirt-daemon-driver-qemu libvirt-daemon-driver-storage libvirt-daemon-driver-secret \
        libvirt-clients libvirt-l10n qemu-system-x86 qemu-system-s390x qemu-block-extra
}

# What `make specs` wants.
make_tools() {
    install gcc libc6-dev make pkg-config "$1" "lib$1-dev" libxml2-dev libvirt-dev lua-argparse lua-dkjson lua-busted \
        lua-luv lua-cqueues libvirt-daemon libvirt-daemon-driver-qemu libvirt-clients qemu-system-x86 \
        qemu-system-s390x luarocks gzip bsdutils man-db mandoc xorriso zsh fish
}

# have PART [LUA]: makes it if it is not there; what that says is in the log.
have() {
    part=$dir/has-$1${2:+-$2} make=make_$1
    [ ! -e "$part" ] || return 0
    shift
    "$make" "$@" >"build/matrix/$suite.log" 2>&1 || {
        echo "$suite could not be made: $(tail -n 1 "build/matrix/$suite.log")" >&2
        exit 1
    }
    touch "$part"
}

mount_all() {
    mountpoint -q "$dir/proc" || mount -t proc proc "$dir/proc"
    mountpoint -q "$dir/sys" || mount -t sysfs -o ro sysfs "$dir/sys"
    mountpoint -q "$dir/dev" || mount --bind /dev "$dir/dev"
    mountpoint -q "$dir/dev/pts" || mount --bind /dev/pts "$dir/dev/pts"
}

# In processes and mounts of its own, which end with it. The tree is a copy, so that nothing inside can reach the
# checkout, and removing the folder never can.
run_inside() {
    rm -rf "$dir/src"
    mkdir "$dir/src"
    tar -c --exclude=./build --exclude=./.git . | tar -x -C "$dir/src"
    # shellcheck disable=SC2016 # these words are for the shell inside
    env -u MAKEFLAGS -u MAKELEVEL -u MFLAGS LC_ALL=C.UTF-8 \
        unshare --mount --pid --fork --kill-child --mount-proc="$dir/proc" \
        chroot "$dir" sh -c 'cd /src && exec "$@"' sh "$@"
}

# Whatever of ours is mounted below the folder, the daemons' folders included. Lazily: what still uses it keeps it.
unmount_all() {
    sed -n "s|^[^ ]* \($dir/[^ ]*\) .*|\1|p" /proc/mounts | sort -r | while read -r place; do umount -l "$place"; done
}

# Which versions of libvirt and QEMU it has.
version() {
    in_release libvirtd --version
    in_release qemu-system-x86_64 --version | head -n 1
}

act=run
case $1 in version | inside) act=$1 && shift ;; esac
suite=$1
shift
[ "$act" != inside ] || { lua=$1 && shift; }
dir=$(pwd)/build/matrix/$suite
if [ "$(id -u)" != 0 ]; then
    echo "Another release in a folder takes root's rights; run this as root." >&2
    exit 1
fi
command -v debootstrap >/dev/null || { echo "debootstrap is missing" >&2; exit 1; }

trap unmount_all EXIT
trap 'exit 130' INT TERM
mkdir -p build/matrix
have base
mount_all
case $act in
    inside)
        have tools "$lua"
        run_inside "$@"
        ;;
    version)
        have host
        version
        ;;
    run)
        have host
        VIRTLUN_LIVE_ROOT=$dir "$@"
        ;;
esac

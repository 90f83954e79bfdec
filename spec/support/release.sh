#!/bin/sh
# Another Debian release in a folder, for its libvirt and QEMU: made on first use, and kept. A daemon started inside
# serves clients outside through its socket (see session.sh, VIRTLUN_LIVE_ROOT). Takes root, because it takes chroot.
#
#   release.sh SUITE COMMAND...    run a command with VIRTLUN_LIVE_ROOT=build/matrix/SUITE
#   release.sh version SUITE       print the release's versions of libvirt and QEMU
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

make_release() {
    rm -rf "$dir"
    mkdir -p "$dir"
    debootstrap --variant=minbase "$suite" "$dir" "$(source_uri)" &&
        mount_all &&
        in_release apt-get update -q -o Acquire::Check-Valid-Until=false &&
        in_release apt-get install -q -y --no-install-recommends libvirt-daemon libvirt-daemon-driver-qemu \
            libvirt-daemon-driver-storage libvirt-daemon-driver-secret libvirt-clients libvirt-l10n \
            qemu-system-x86 qemu-system-s390x qemu-block-extra &&
        in_release apt-get clean &&
        touch "$dir/complete"
}

mount_all() {
    mountpoint -q "$dir/proc" || mount -t proc proc "$dir/proc"
    mountpoint -q "$dir/sys" || mount -t sysfs -o ro sysfs "$dir/sys"
    mountpoint -q "$dir/dev" || mount --bind /dev "$dir/dev"
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

command=
[ "$1" != version ] || { command=version; shift; }
suite=$1
shift
dir=$(pwd)/build/matrix/$suite
if [ "$(id -u)" != 0 ]; then
    echo "Another release in a folder takes root's rights; run this as root." >&2
    exit 1
fi
command -v debootstrap >/dev/null || { echo "debootstrap is missing" >&2; exit 1; }

trap unmount_all EXIT
trap 'exit 130' INT TERM
if [ ! -e "$dir/complete" ]; then
    mkdir -p build/matrix
    unmount_all
    make_release >"build/matrix/$suite.log" 2>&1 || {
        echo "$suite could not be made: $(tail -n 1 "build/matrix/$suite.log")" >&2
        exit 1
    }
fi
mount_all
if [ -n "$command" ]; then version; else VIRTLUN_LIVE_ROOT=$dir "$@"; fi

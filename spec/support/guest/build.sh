#!/bin/sh
# Makes a small guest for live specs of Debian's own packages: a kernel, and an initramfs with busybox, the drivers of
# SCSI drives and the init beside this file. Needs neither root nor the machine's package database: apt works in a
# folder of its own, with the machine's own package sources.
#
#   build.sh ARCH OUTDIR    x86_64 or s390x; leaves OUTDIR/vmlinuz-ARCH and OUTDIR/initrd-ARCH
#
# What is there already is kept. If it cannot be made, the last line on standard error says why.
set -eu

arch=$1
here=$(cd "$(dirname "$0")" && pwd)
mkdir -p "$2"
out=$(cd "$2" && pwd)
work=$out/apt-$arch

fail() {
    echo "$*" >&2
    exit 1
}

# Modules that a kernel has built in, or lacks though it can do without, are left out in silence.
case $arch in
    x86_64)
        debian=amd64
        kernels='linux-image-cloud-amd64 linux-image-amd64'
        modules='virtio_pci virtio_scsi sd_mod sr_mod sg isofs nls_utf8 udf st ch button evdev'
        ;;
    s390x)
        debian=s390x
        kernels=linux-image-s390x
        modules='virtio_ccw virtio_scsi sd_mod sr_mod sg isofs nls_utf8 udf st ch'
        ;;
    *) fail "no guest is known for $arch" ;;
esac

apt_settings() {
    mkdir -p "$work/state/lists/partial" "$work/cache/archives/partial" "$work/debs"
    : >"$work/state/status"
    cat >"$work/apt.conf" <<END
APT::Architecture "$debian";
APT::Architectures { "$debian"; };
APT::Sandbox::User "";
Acquire::Retries "2";
Acquire::Check-Valid-Until "false";
Acquire::Languages "none";
Acquire::http::Timeout "20";
Dir::State "$work/state";
Dir::State::status "$work/state/status";
Dir::Cache "$work/cache";
END
    export APT_CONFIG="$work/apt.conf"
}

# The kernel's package itself; what is asked for by name only depends on it.
kernel_package() {
    for name in $kernels; do
        package=$(apt-cache depends "$name" 2>/dev/null | sed -n 's/.*Depends: \(linux-image-[^ ]*\)/\1/p' | head -n 1)
        [ -z "$package" ] || break
    done
    echo "$package"
}

download() {
    apt_settings
    # Sources that do not know this architecture are no harm, so only what comes of it counts.
    apt-get -qq update >"$work/log" 2>&1 || true
    package=$(kernel_package)
    [ -n "$package" ] || fail "no $kernels in the package sources" \
        "($(grep -m 1 '^[EW]:' "$work/log" || echo 'they know none'))"
    (cd "$work/debs" && rm -f ./*.deb && apt-get -qq download "$package" busybox-static >>"$work/log" 2>&1) ||
        fail "no download of $package: $(tail -n 1 "$work/log")"
    rm -rf "$work/state" "$work/cache"
    touch "$work/complete"
}

assemble() {
    rm -rf "$work/tree"
    mkdir "$work/tree"
    for deb in "$work"/debs/*.deb; do dpkg-deb -x "$deb" "$work/tree"; done
    busybox=$(find "$work/tree" -path '*bin/busybox' -type f | head -n 1)
    # shellcheck disable=SC2086 # the modules are a list of words
    "${LUA:-lua5.4}" "$here/mkinitrd.lua" "$arch" "$work/tree" "$busybox" "$here/init" "$work/initrd" $modules
    gzip -9nf "$work/initrd"
    cp "$work"/tree/boot/vmlinuz-* "$out/vmlinuz-$arch"
    mv "$work/initrd.gz" "$out/initrd-$arch"
    rm -rf "$work/tree"
}

up_to_date() {
    [ -e "$out/vmlinuz-$arch" ] && [ -e "$out/initrd-$arch" ] &&
        [ -z "$(find "$here" -newer "$out/initrd-$arch" -name '[bim]*' -type f)" ]
}

up_to_date && exit 0
for command in apt-get dpkg-deb gzip; do
    command -v "$command" >/dev/null || fail "no $command on this machine: the guest is made of Debian's packages"
done
[ -e "$work/complete" ] || download
assemble

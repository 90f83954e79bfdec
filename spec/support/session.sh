#!/bin/sh
# A private libvirt daemon with the real QEMU driver, for an ordinary user, below one folder; nothing outside of it is
# touched. Root becomes another user first, because root always gets the system's daemon.
#
#   session.sh missing              print what this machine lacks for it, nothing if all is there
#   session.sh start FOLDER         start the daemon and print its URI; it leaves by itself after 60 idle seconds
#   session.sh stop FOLDER          end it, and wait until it has gone
#
# FOLDER must be short: the daemon's sockets lie in it, and a socket's path has at most 107 characters.
set -eu

act=$1
folder=${2:-}
PATH=$PATH:/usr/sbin:/sbin

# What runs below the specs may be built with a sanitizer; the daemon is not.
unset LD_PRELOAD ASAN_OPTIONS UBSAN_OPTIONS

missing() {
    for command in libvirtd virsh qemu-system-x86_64 qemu-system-s390x; do
        command -v "$command" >/dev/null || echo "$command"
    done
    [ -n "$(find /usr/lib /usr/lib64 /usr/local/lib -name 'libvirt_driver_qemu.so' 2>/dev/null | head -n 1)" ] ||
        echo "libvirt's QEMU driver"
    [ "$(id -u)" != 0 ] || command -v setpriv >/dev/null || echo setpriv
}

start() {
    if [ "$(id -u)" = 0 ]; then
        chown 65534:65534 "$folder"
        exec setpriv --reuid=65534 --regid=65534 --clear-groups sh "$0" start "$folder"
    fi
    export XDG_CONFIG_HOME="$folder/c" XDG_CACHE_HOME="$folder/k" XDG_DATA_HOME="$folder/d"
    export XDG_RUNTIME_DIR="$folder/r" HOME="$folder/h"
    mkdir -p "$XDG_CONFIG_HOME/libvirt" "$XDG_CACHE_HOME" "$XDG_DATA_HOME" "$XDG_RUNTIME_DIR/libvirt" "$HOME"
    chmod 700 "$XDG_RUNTIME_DIR"
    printf '%s\n' 'stdio_handler = "file"' 'security_driver = "none"' 'namespaces = []' 'cgroup_controllers = []' \
        >"$XDG_CONFIG_HOME/libvirt/qemu.conf"
    printf 'auth_unix_rw = "none"\nauth_unix_ro = "none"\n' >"$XDG_CONFIG_HOME/libvirt/libvirtd.conf"
    cd "$folder"
    libvirtd -d -t 60 -f "$XDG_CONFIG_HOME/libvirt/libvirtd.conf" -p "$folder/pid" >"$folder/log" 2>&1
    tries=0
    until [ -S "$XDG_RUNTIME_DIR/libvirt/libvirt-sock" ]; do
        tries=$((tries + 1))
        if [ "$tries" -gt 100 ]; then
            cat "$folder/log" >&2
            exit 1
        fi
        sleep 0.1
    done
    echo "qemu:///session?socket=$XDG_RUNTIME_DIR/libvirt/libvirt-sock"
}

# A daemon that has left by itself has taken its pid file along.
stop() {
    [ -s "$folder/pid" ] || exit 0
    pid=$(cat "$folder/pid")
    kill "$pid" || exit 0
    tries=0
    while kill -0 "$pid" 2>/dev/null && [ "$tries" -lt 100 ]; do
        tries=$((tries + 1))
        sleep 0.05
    done
}

case $act in
    missing) missing ;;
    start) start ;;
    stop) stop ;;
    *) echo "usage: session.sh missing | start FOLDER | stop FOLDER" >&2 && exit 64 ;;
esac

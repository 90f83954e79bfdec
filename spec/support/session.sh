#!/bin/sh
# A private libvirt daemon with the real QEMU driver, for an ordinary user, below one folder; nothing outside of it is
# touched. Root becomes another user first, because root always gets the system's daemon.
#
#   session.sh missing [test]          print what this machine lacks for it, nothing if all is there; with test nothing
#                                      of QEMU is needed, as the daemon's test driver needs none
#   session.sh start FOLDER [OWNER]    start the daemon and print its URI; it leaves by itself after 60 idle seconds.
#                                      When the process OWNER has gone, all is ended and the folder removed.
#   session.sh hold FOLDER URI         keep a connection to it open until it ends: libvirt's test driver forgets all that
#                                      it was told when there is none
#   session.sh signal FOLDER NAME      send the daemon a signal: STOP, CONT, KILL; returns when it has acted
#   session.sh stop FOLDER             end it and the machines that it runs, and wait until they have gone
#
# FOLDER must be short: the daemon's sockets lie in it, and a socket's path has at most 107 characters.
# With VIRTLUN_LIVE_LANGUAGE=de the daemon's messages are German, as far as libvirt's translations go.
# With VIRTLUN_LIVE_AUTH=sasl the daemon lets in only ann, whose password is pa55.
# With VIRTLUN_LIVE_ROOT=DIR the daemon is the one of another Debian release in DIR, which takes root.
set -eu

act=$1
folder=${2:-}
root=${VIRTLUN_LIVE_ROOT:-}
PATH=$PATH:/usr/sbin:/sbin

# What runs below the specs may be built with a sanitizer; the daemon is not.
unset LD_PRELOAD ASAN_OPTIONS UBSAN_OPTIONS

# Runs this script inside of the other release.
inside() {
    # shellcheck disable=SC2086 # the user is one word or none
    env -u VIRTLUN_LIVE_ROOT chroot $1 "$root" sh -s "$2" "$folder" <"$0"
}

lacks() {
    command -v "$1" >/dev/null || echo "$1"
}

missing() {
    if [ -n "$root" ]; then
        if [ "$(id -u)" != 0 ]; then echo "root's rights, which VIRTLUN_LIVE_ROOT takes"; else inside "" missing; fi
        command -v virsh >/dev/null || echo virsh
        return
    fi
    for command in libvirtd virsh; do lacks "$command"; done
    [ "$(id -u)" != 0 ] || lacks setpriv
    [ "$1" != test ] || return 0
    for command in qemu-system-x86_64 qemu-system-s390x; do lacks "$command"; done
    [ -n "$(find /usr/lib /usr/lib64 /usr/local/lib -name 'libvirt_driver_qemu.so' 2>/dev/null | head -n 1)" ] ||
        echo "libvirt's QEMU driver"
}

# Goes on as another user, and in another release if one is named.
become_user() {
    [ "$(stat -c %u "$folder")" = 65534 ] || chown 65534:65534 "$folder"
    if [ -z "$root" ]; then
        exec setpriv --reuid=65534 --regid=65534 --clear-groups sh "$0" start "$folder"
    fi
    if ! mountpoint -q "$root$folder"; then
        mkdir -p "$root$folder"
        mount --bind "$folder" "$root$folder"
    fi
    inside --userspec=65534:65534 start
}

# Messages are translated for locales that have a name of their own only, and few machines have the one that we want:
# C.UTF-8 under another name will do.
speak() {
    mkdir -p "$folder/l"
    cp -r /usr/lib/locale/C.utf8 "$folder/l/$1.UTF-8"
    export LOCPATH="$folder/l" LC_ALL="$1.UTF-8" LANGUAGE="$1"
}

let_in_ann() {
    export SASL_CONF_PATH="$folder/s"
    mkdir -p "$SASL_CONF_PATH"
    printf 'mech_list: scram-sha-256\nsasldb_path: %s/db\n' "$SASL_CONF_PATH" >"$SASL_CONF_PATH/libvirt.conf"
    printf pa55 | saslpasswd2 -p -f "$SASL_CONF_PATH/db" -a libvirt -c ann
}

start() {
    [ -z "${VIRTLUN_LIVE_AUTH:-}" ] || let_in_ann
    [ -z "${VIRTLUN_LIVE_LANGUAGE:-}" ] || speak "$VIRTLUN_LIVE_LANGUAGE"
    export XDG_CONFIG_HOME="$folder/c" XDG_CACHE_HOME="$folder/k" XDG_DATA_HOME="$folder/d"
    export XDG_RUNTIME_DIR="$folder/r" HOME="$folder/h"
    mkdir -p "$XDG_CONFIG_HOME/libvirt" "$XDG_CACHE_HOME" "$XDG_DATA_HOME" "$XDG_RUNTIME_DIR/libvirt" "$HOME"
    chmod 700 "$XDG_RUNTIME_DIR"
    printf '%s\n' 'stdio_handler = "file"' 'security_driver = "none"' 'namespaces = []' 'cgroup_controllers = []' \
        >"$XDG_CONFIG_HOME/libvirt/qemu.conf"
    printf 'auth_unix_rw = "%s"\nauth_unix_ro = "none"\n' "${VIRTLUN_LIVE_AUTH:-none}" \
        >"$XDG_CONFIG_HOME/libvirt/libvirtd.conf"
    cd "$folder"
    # A daemon that was killed has left its socket.
    rm -f "$XDG_RUNTIME_DIR/libvirt/libvirt-sock"
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

# Whether a process is there and not merely waiting to be forgotten.
alive() {
    kill -0 "$1" 2>/dev/null && ! grep -q '^State:.Z' "/proc/$1/status" 2>/dev/null
}

await_end() {
    tries=0
    while alive "$1" && [ "$tries" -lt 100 ]; do
        tries=$((tries + 1))
        sleep 0.05
    done
    ! alive "$1"
}

# The process of that file, if it is still ours.
process() {
    [ -s "$folder/$1" ] || return 0
    pid=$(cat "$folder/$1")
    ! grep -q "$folder" "/proc/$pid/cmdline" 2>/dev/null || echo "$pid"
}

# It asks no questions of its own (-k), and so waits on for a daemon that is halted.
hold() {
    rm -f "$folder/held"
    virsh -q -k 0 -c "$1" "uri; event --loop --event lifecycle" >"$folder/held" 2>&1 </dev/null &
    echo $! >"$folder/holder"
    tries=0
    until [ -s "$folder/held" ] || [ "$tries" -gt 200 ]; do
        tries=$((tries + 1))
        sleep 0.05
    done
    grep -qxF "$1" "$folder/held"
}

let_go() {
    pid=$(process holder)
    [ -z "$pid" ] || kill "$pid" || true
}

send() {
    pid=$(process pid)
    [ -n "$pid" ] || { echo "no daemon runs in $folder" >&2; exit 1; }
    kill "-$1" "$pid"
    [ "$1" != KILL ] || { await_end "$pid" && let_go; }
}

stop_machines() {
    find "$folder/r" -name '*.pid' 2>/dev/null | while read -r file; do
        pid=$(cat "$file")
        grep -q "$folder" "/proc/$pid/cmdline" 2>/dev/null || continue
        kill -KILL "$pid" 2>/dev/null || continue
        await_end "$pid" || true
    done
}

# A daemon that has left by itself has taken its pid file along.
stop() {
    let_go
    pid=$(process pid)
    if [ -n "$pid" ]; then
        kill -CONT "$pid"
        kill "$pid" || true
        await_end "$pid" || kill -KILL "$pid" || true
    fi
    stop_machines
    [ -z "$root" ] || ! mountpoint -q "$root$folder" || umount -l "$root$folder"
    [ -z "$root" ] || [ ! -d "$root$folder" ] || rmdir "$root$folder"
}

# Tidies up after an owner that did not.
guard() {
    while kill -0 "$1" 2>/dev/null && [ -d "$folder" ]; do sleep 1; done
    [ -d "$folder" ] || exit 0
    stop
    rm -rf "$folder"
}

case $act in
    missing) missing "$folder" ;;
    start)
        [ -z "${3:-}" ] || setsid sh "$0" guard "$folder" "$3" </dev/null >/dev/null 2>&1 &
        if [ "$(id -u)" = 0 ]; then become_user; else start; fi
        ;;
    hold) hold "$3" ;;
    signal) send "$3" ;;
    guard) guard "$3" ;;
    stop) stop ;;
    *)
        echo "usage: session.sh missing [test] | start FOLDER [OWNER] | hold FOLDER URI | signal FOLDER NAME |" \
            "stop FOLDER" >&2 && exit 64
        ;;
esac

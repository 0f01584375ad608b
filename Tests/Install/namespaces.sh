# For the tests that make a machine of their own in namespaces: sourced by sh, which has set -eu and names itself in $test.
# A test says cannot WHY (status 77) where it cannot be tried, and check WHAT COMMAND... for each thing that must hold.
failed=0
child=
first=
cannot() { echo "skip  $test: $*"; exit 77; }
needs() { for tool in "$@"; do command -v "$tool" >/dev/null || cannot "$tool is missing"; done; }

# What a root file system needs to be one: proc, sys, dev, run and tmp in the current directory.
mount_system() {
    mount -t proc proc proc
    mount -t sysfs sysfs sys
    mount -t cgroup2 none sys/fs/cgroup
    mount -t tmpfs -o mode=755 none run
    mount -t tmpfs none tmp
    mount -t tmpfs -o mode=755 none dev
    for name in null zero full random urandom tty; do
        : >"dev/$name"
        mount --bind "/dev/$name" "dev/$name"
    done
    mkdir dev/pts dev/shm
    mount -t devpts -o newinstance,ptmxmode=0666 devpts dev/pts
    mount -t tmpfs none dev/shm
    ln -s pts/ptmx dev/ptmx
    ln -s /proc/self/fd dev/fd
}
# Makes the current directory, a mount point, the root.
enter_root() {
    mkdir .before
    pivot_root . .before
    cd /
    umount -l /.before
}

# The first process of the new process namespace, as it is seen from here.
in_it() { nsenter -t "$first" -m -p -u -i -n -C -r -w "$@"; }
until_true() { # until_true TENTHS-OF-A-SECOND COMMAND...
    left=$1
    shift
    until "$@" >/dev/null 2>&1; do
        left=$((left - 1))
        [ "$left" -gt 0 ] || return 1
        sleep 0.1
    done
}
has_child() { first=$(cat "/proc/$child/task/$child/children" 2>/dev/null | tr -d ' ') && [ -n "$first" ]; }
is_up() { in_it systemctl is-system-running | grep -qE 'running|degraded'; }
soon() { until_true 100 "$@"; }
has() { pattern=$1; shift; "$@" | grep -qE "$pattern"; }
lacks() { pattern=$1; shift; "$@" >"$place.text" && ! grep -qE "$pattern" "$place.text"; }
check() { # check WHAT COMMAND...; what a test prints about a failure is its function explain
    what=$1
    shift
    if "$@" >"$place.out" 2>&1; then echo "ok    $test: $what"; else
        echo "FAIL  $test: $what"
        sed 's/^/      /' "$place.out"
        explain | sed 's/^/      /'
        failed=1
    fi
    rm -f "$place.out"
}
end() {
    # With it goes the first process of its process namespace, and with that all that is in there.
    [ -z "$child" ] || kill -9 "$child" 2>/dev/null || true
    wait 2>/dev/null || true
    rm -rf "$place" "$place.log" "$place.out" "$place.text"
}

# Fails for each function pointer and each function of a header whose paragraph (the lines since the last empty one)
# has no thread tag in a comment. A group of functions may share one comment.
function fault(what) {
    printf "%s:%d: %s has no thread tag\n", FILENAME, FNR, what
    faults++
}
FNR == 1 { tagged = 0 }
/^$/ { tagged = 0 }
/\/\*/ { comment = "" }
/\/\*|^ *\*/ { comment = comment $0 }
/\[callback\]|\[any-thread\]|\[source\]|\[host-thread\]|\[store\]/ { tagged = 1 }
# A new comment of one function replaces what the one before it said.
/\*\// { if (comment !~ /\[(callback|any-thread|source|host-thread|store)\]/ && $0 !~ /;.*\/\*/) tagged = 0 }
/^ *\/?\*/ { next }
/\(\*[a-z_]+\)\(/ {
    # A pointer that is a parameter (`release`) is described by the function that takes it.
    name = $0
    sub(/.*[ *]\(\*/, "", name)
    sub(/\).*/, "", name)
    if ($0 ~ /^(    |typedef )[a-z_0-9 ]*[ *]+\(\*/) {
        functions++
        if (!tagged) fault(name)
    }
}
/^static inline/ {
    name = $0
    sub(/\(.*/, "", name)
    sub(/.*[ *]/, "", name)
    functions++
    if (!tagged) fault(name)
}
END {
    if (functions == 0) { print FILENAME ": no function was found"; exit 1 }
    exit faults > 0
}

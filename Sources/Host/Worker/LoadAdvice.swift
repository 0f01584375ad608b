internal import HostValues

/// Advice for authors and operators on errors of the dynamic linker that do not explain themselves.
enum LoadAdvice {
    /// The remedy to append to an error text of dlopen(3); empty if the text is clear enough.
    static func mend(of text: String) -> String {
        // Text that begins with a path is about the plugin itself, not about a library that it needs.
        if text.hasPrefix("/"), text.contains(absent) { return "" }
        for (words, mend) in known where text.contains(words) { return ": " + mend }
        return ""
    }

    private static let absent = "cannot open shared object file"

    /// Phrases in glibc's messages, each with its remedy.
    private static let known = [
        (
            "static TLS",
            "its thread-local variables, or a library's, are built for the program itself: build that with "
                + "-ftls-model=global-dynamic, or start the host with GLIBC_TUNABLES=glibc.rtld.optional_static_tls=BYTES, as "
                + "many as they need"
        ),
        (
            absent,
            "put it beside the plugin, which begins when it is there; if it belongs elsewhere, run schedhost reload once it is "
                + "there"
        ),
        (
            "executable stack",
            "it wants memory that is writable and executable, which this system or the host's service (systemd's "
                + "MemoryDenyWriteExecute=) forbids: link it with -z noexecstack"
        ),
        (
            "failed to map segment from shared object",
            "its file system, or that of the state directory's copies, is mounted noexec, or a service's rule forbids it: "
                + "mount it without, or choose another directory with --state"
        ),
        (
            "version `GLIBC_",
            "it was built for a newer C library than this machine has: build it here, or on an older system"
        ),
        (
            "undefined symbol: __asan_",
            "it was built with -fsanitize=address: preload that runtime into the host, or build it without"
        ),
        (
            "undefined symbol: __tsan_",
            "it was built with -fsanitize=thread: preload that runtime into the host, or build it without"
        ),
    ]
}

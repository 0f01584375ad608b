/// The run-time libraries of `-fsanitize`, which want to be loaded before all others: a plugin that is linked with one can
/// only be loaded into a process that was started with it.
public enum Sanitizer {
    /// Names that begin so: gcc's, and clang's with `-shared-libsan`.
    private static let names = [
        "libasan.so", "libtsan.so", "liblsan.so", "libclang_rt.asan", "libclang_rt.tsan", "libclang_rt.lsan",
    ]

    /// Those that a file needs first, in its order: `LD_PRELOAD` of ld.so(8).
    public static func libraries(of file: PluginFile) -> [String] {
        file.needed.filter { library in names.contains { library.hasPrefix($0) } }
    }

    /// Whether a file is linked with one of them, or with that of `-fsanitize=undefined`, which need not be first.
    public static func watches(_ file: PluginFile) -> Bool {
        !libraries(of: file).isEmpty || file.needed.contains { $0.hasPrefix("libubsan.so") }
    }

    /// Variables of the environment by which they end the process when they find something, and do not look for leaks: Swift
    /// keeps pointers in forms that they do not know. They end it by exit(3): in a handler of SIGABRT AddressSanitizer would
    /// take the runtime's backtrace for another error. What `variable` says of each, the user's own, wins.
    public static func options(endingProcess isEnd: Bool, _ variable: (String) -> String?) -> [String: String] {
        let end = isEnd ? ["halt_on_error=1"] : []
        let all = [
            ("ASAN_OPTIONS", end + ["detect_leaks=0"]), ("TSAN_OPTIONS", end), ("LSAN_OPTIONS", ["detect_leaks=0"]),
            ("UBSAN_OPTIONS", end + ["print_stacktrace=1"]),
        ]
        return Dictionary(
            uniqueKeysWithValues: all.filter { !$0.1.isEmpty }.map { name, own in
                (name, (own + (variable(name).map { [$0] } ?? [])).joined(separator: ":"))
            })
    }
}

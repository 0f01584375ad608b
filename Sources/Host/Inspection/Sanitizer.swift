internal import HostSystem
internal import HostValues

/// The run-time libraries of `-fsanitize`, which want to be loaded before all others: a plugin that is linked with one can
/// only be loaded into a process that was started with it.
public enum Sanitizer {
    /// Names that begin so: gcc's, and clang's with `-shared-libsan`.
    private static let names = [
        "libasan.so", "libtsan.so", "liblsan.so", "libclang_rt.asan", "libclang_rt.tsan", "libclang_rt.lsan",
    ]

    /// Where compilers and distributions put them.
    private static let folders: [String] = {
        #if arch(arm64)
            let triple = "aarch64-linux-gnu"
        #else
            let triple = "x86_64-linux-gnu"
        #endif
        let versions = (try? Directory("/usr/lib/gcc/\(triple)").names()) ?? []
        return ["/usr/lib/\(triple)", "/lib/\(triple)", "/usr/lib64", "/usr/lib", "/lib64", "/lib"]
            + versions.sorted(by: NaturalOrder.precedes).reversed().map { "/usr/lib/gcc/\(triple)/\($0)" }
    }()

    /// The paths of those that a file needs first, in its order: `LD_PRELOAD` of ld.so(8).
    ///
    /// What is loaded so runs before a worker has its sandbox. So only root's own libraries are taken, by their paths: one of such
    /// a name that lies beside the plugin is not. One that is not found is left to the linker, which says what is wrong.
    public static func libraries(of file: PluginFile) -> [String] {
        needs(of: file).compactMap { name in
            folders.lazy.map { $0 + "/" + name }.first { path in
                guard let status = FileStatus.of(path), status.kind == .regular else { return false }
                return status.owner == 0 && status.mode & 0o022 == 0
            }
        }
    }

    private static func needs(of file: PluginFile) -> [String] {
        file.needed.filter { library in
            !library.contains("/") && names.contains { library.hasPrefix($0) }
        }
    }

    /// Whether a file is linked with one of them, or with that of `-fsanitize=undefined`, which need not be first.
    public static func watches(_ file: PluginFile) -> Bool {
        !needs(of: file).isEmpty || file.needed.contains { $0.hasPrefix("libubsan.so") }
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

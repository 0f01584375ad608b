internal import HostSystem
internal import HostValues

/// The run-time libraries of `-fsanitize`. They must be loaded before all other libraries, so a plugin that is linked
/// with one can be loaded only into a process that was started with that library.
public enum Sanitizer {
    /// Prefixes of the libraries' names: those of gcc, and of clang with `-shared-libsan`.
    private static let names = [
        "libasan.so", "libtsan.so", "liblsan.so", "libclang_rt.asan", "libclang_rt.tsan", "libclang_rt.lsan",
    ]

    /// The directories in which compilers and distributions install them.
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

    /// The paths of the libraries that a file requires first, in its order, for `LD_PRELOAD` of ld.so(8).
    ///
    /// A preloaded library runs before the worker has its sandbox. Therefore only libraries that root owns are used, by
    /// their full paths, and never one that lies beside the plugin. If a library is not found, the linker reports the
    /// error later.
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

    /// Whether a file is linked with one of these libraries, or with that of `-fsanitize=undefined`, which need not be
    /// loaded first.
    public static func watches(_ file: PluginFile) -> Bool {
        !needs(of: file).isEmpty || file.needed.contains { $0.hasPrefix("libubsan.so") }
    }

    /// The environment variables that configure the sanitizers: they end the process at an error, and do not search for
    /// leaks, because Swift stores pointers in forms that they do not recognise. The explanation of the shadow bytes is
    /// left out, so that the last lines of a session are what was found. They end the process by exit(3),
    /// because AddressSanitizer would mistake the backtrace in a SIGABRT handler for another error. The user's own
    /// options, from `variable`, take precedence.
    public static func options(endingProcess isEnd: Bool, _ variable: (String) -> String?) -> [String: String] {
        let end = isEnd ? ["halt_on_error=1"] : []
        let all = [
            ("ASAN_OPTIONS", end + ["detect_leaks=0", "print_legend=0"]), ("TSAN_OPTIONS", end),
            ("LSAN_OPTIONS", ["detect_leaks=0"]),
            ("UBSAN_OPTIONS", end + ["print_stacktrace=1"]),
        ]
        return Dictionary(
            uniqueKeysWithValues: all.filter { !$0.1.isEmpty }.map { name, own in
                (name, (own + (variable(name).map { [$0] } ?? [])).joined(separator: ":"))
            })
    }
}

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
}

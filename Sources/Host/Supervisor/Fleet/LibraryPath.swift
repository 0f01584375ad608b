internal import HostInspection
internal import HostSystem

/// Where a worker's dynamic linker looks for the libraries that plugins need.
///
/// A worker loads a copy in another directory, so `$ORIGIN` in the copy does not lead to the plugin's neighbours. The
/// run path is therefore given in `LD_LIBRARY_PATH` with the plugin's own directory in its place, and that directory
/// itself after it. A file there may be called as a library that the worker itself needs, and what the linker loads before
/// `main` would run in no sandbox: so the worker is told to load the supervisor's own libraries first, by their paths
/// (`LD_PRELOAD`), and none is looked for. Before both come copies of the libraries in that directory which the plugin is linked with: as of the
/// plugin itself, what is overwritten in place changes no code that runs. The linker reads the variable once, at the worker's start; then the worker puts the user's own
/// value back, so that programs that a plugin starts are not touched. ld.so(8).
public enum LibraryPath {
    private static let variable = "LD_LIBRARY_PATH"
    private static let original = "SCHEDHOST_LD_LIBRARY_PATH"
    private static let preload = "LD_PRELOAD"
    private static let originalPreload = "SCHEDHOST_LD_PRELOAD"

    /// The directories for a plugin's worker; without a plugin, for all of the directory.
    static func folders(for file: PluginFile?, in directory: String, copies: String? = nil) -> [String] {
        let own = directory.hasPrefix("/") || directory.hasPrefix("./") ? directory : "./" + directory
        let wanted = (file?.runPath ?? []).filter { $0.contains("$ORIGIN") || $0.contains("${ORIGIN}") }
        let moved = wanted.map {
            $0.replacing("${ORIGIN}", with: own).replacing("$ORIGIN", with: own)
        }
        // A colon ends a directory in the variable.
        return ([copies].compactMap { $0 } + moved + [own]).filter {
            !$0.contains(":") && !$0.contains(";") && !$0.contains("$")
        }
    }

    /// The libraries of this program, of which what the user wants to be loaded first is first.
    private static let libraries = HostProcess.libraries.filter { !$0.contains(":") && !$0.contains(" ") }

    /// An environment with these directories before the user's own.
    static func environment(
        _ inherited: [String], with folders: [String], libraries: [String] = Self.libraries
    ) -> [String] {
        guard !folders.isEmpty else { return inherited }
        func value(_ name: String) -> Substring? {
            inherited.first { $0.hasPrefix(name + "=") }?.dropFirst(name.utf8.count + 1)
        }
        let own = value(variable)
        let names = [variable, original, preload, originalPreload].map { $0 + "=" }
        var result = inherited.filter { entry in !names.contains { entry.hasPrefix($0) } }
        result.append(preload + "=" + libraries.joined(separator: ":"))
        if let preloaded = value(preload) { result.append(originalPreload + "=" + preloaded) }
        let path = folders + (own.map { [String($0)] } ?? [])
        result.append(variable + "=" + path.filter { !$0.isEmpty }.joined(separator: ":"))
        if let own { result.append(original + "=" + own) }
        return result
    }

    /// In a worker, before any thread exists: the user's own value again.
    public static func restore() {
        HostProcess.setEnvironment(variable, HostProcess.environment(original))
        HostProcess.setEnvironment(original, nil)
        HostProcess.setEnvironment(preload, HostProcess.environment(originalPreload))
        HostProcess.setEnvironment(originalPreload, nil)
    }
}

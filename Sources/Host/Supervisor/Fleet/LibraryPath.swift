internal import HostInspection
internal import HostSystem

/// What a worker's dynamic linker is told about the libraries of its plugin.
struct LibrarySearch: Equatable {
    /// Where it looks for them.
    var folders: [String] = []
    /// What it loads before all others: the runtimes of sanitizers.
    var first: [String] = []
    /// Whether the plugin was built with a sanitizer.
    var isSanitized = false
}

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

    /// What is told for a plugin's worker; without a plugin, for all of the directory.
    static func search(for file: PluginFile?, in directory: String, copies: String? = nil) -> LibrarySearch {
        LibrarySearch(
            folders: folders(for: file, in: directory, copies: copies),
            first: file.map { Sanitizer.libraries(of: $0) } ?? [],
            isSanitized: file.map { Sanitizer.watches($0) } ?? false)
    }

    private static func folders(for file: PluginFile?, in directory: String, copies: String?) -> [String] {
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

    /// An environment with these directories before the user's own, and with what sanitizers are to do.
    static func environment(
        _ inherited: [String], with search: LibrarySearch, libraries: [String] = Self.libraries
    ) -> [String] {
        let folders = search.folders
        guard !folders.isEmpty else { return inherited }
        func value(_ name: String) -> Substring? {
            inherited.first { $0.hasPrefix(name + "=") }?.dropFirst(name.utf8.count + 1)
        }
        let own = value(variable)
        let names = [variable, original, preload, originalPreload].map { $0 + "=" }
        var result = inherited.filter { entry in !names.contains { entry.hasPrefix($0) } }
        result.append(preload + "=" + (search.first + libraries).joined(separator: ":"))
        if let preloaded = value(preload) { result.append(originalPreload + "=" + preloaded) }
        let path = folders + (own.map { [String($0)] } ?? [])
        result.append(variable + "=" + path.filter { !$0.isEmpty }.joined(separator: ":"))
        if let own { result.append(original + "=" + own) }
        return search.isSanitized ? withOptions(result) { value($0).map { String($0) } } : result
    }

    /// With what sanitizers are to do when they find something: the record of a session tells of it as of a crash.
    private static func withOptions(_ environment: [String], _ value: (String) -> String?) -> [String] {
        let options = Sanitizer.options(endingProcess: true, value)
        return environment.filter { options[String($0.prefix { $0 != "=" })] == nil }
            + options.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }
    }

    /// In a worker, before any thread exists: the user's own value again.
    public static func restore() {
        HostProcess.setEnvironment(variable, HostProcess.environment(original))
        HostProcess.setEnvironment(original, nil)
        HostProcess.setEnvironment(preload, HostProcess.environment(originalPreload))
        HostProcess.setEnvironment(originalPreload, nil)
    }
}

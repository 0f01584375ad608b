internal import HostInspection
internal import HostSystem
internal import HostValues

/// The settings of a worker's dynamic linker for the libraries of its plugin.
struct LibrarySearch: Equatable {
    /// The folders to search.
    var folders: [String] = []
    /// The libraries to load before all others: the runtimes of sanitizers.
    var first: [String] = []
    /// Whether the plugin was built with a sanitizer.
    var isSanitized = false
}

/// The library search of a worker's dynamic linker. ld.so(8).
///
/// A worker loads a copy of the plugin in another directory, so `$ORIGIN` in the copy does not lead to the plugin's
/// neighbours. Therefore `LD_LIBRARY_PATH` contains, in this order: the copies of the libraries from the plugins
/// directory that the plugin is linked with, which like the plugin's own copy are never overwritten; the plugin's run
/// path with the plugins directory in place of `$ORIGIN`; and that directory itself.
///
/// A file there could have the name of a library that the worker itself needs, and would be loaded before `main`,
/// outside of any sandbox. So `LD_PRELOAD` lists the supervisor's own libraries by their paths, and the linker does not
/// search for them. The linker reads the variables once, when the worker starts; the worker then restores the user's
/// values, so that programs started by a plugin are not affected.
public enum LibraryPath {
    private static let variable = "LD_LIBRARY_PATH"
    private static let original = "SCHEDHOST_LD_LIBRARY_PATH"
    private static let preload = "LD_PRELOAD"
    private static let originalPreload = "SCHEDHOST_LD_PRELOAD"

    /// The search for a plugin's worker; without a plugin, for a worker that loads any plugin of the directory.
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
        // A colon would end the directory's name in the variable.
        return ([copies].compactMap { $0 } + moved + [own]).filter {
            !$0.contains(":") && !$0.contains(";") && !$0.contains("$")
        }
    }

    /// This program's libraries, including those that the user preloads, which come first.
    private static let libraries = HostProcess.libraries.filter { !$0.contains(":") && !$0.contains(" ") }

    /// Adds the search to an environment, before the user's own values, and the options of sanitizers.
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

    /// Sets the sanitizers' options so that a finding ends the process; then the session's record reports it like a
    /// crash.
    private static func withOptions(_ environment: [String], _ value: (String) -> String?) -> [String] {
        let options = Sanitizer.options(endingProcess: true, value)
        return environment.filter { options[String($0.prefix { $0 != "=" })] == nil }
            + options.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }
    }

    /// Restores the user's values. Call it in a worker before any thread exists.
    public static func restore() {
        HostProcess.setEnvironment(variable, HostProcess.environment(original))
        HostProcess.setEnvironment(original, nil)
        HostProcess.setEnvironment(preload, HostProcess.environment(originalPreload))
        HostProcess.setEnvironment(originalPreload, nil)
    }
}

/// A path of a configuration that gives its plugin nothing.
public struct RefusedPath: Hashable, Sendable {
    /// Why it gives nothing.
    public enum Reason: Hashable, Sendable {
        /// It leads out of what `sandbox_limit` allows.
        case beyondLimit
        /// A link in it, which a plugin may have created, leads to the other path.
        case ledAway(to: String)
        /// It is that path of the host, or lies beneath it.
        case isHidden(String)
        /// That path of the host lies beneath it.
        case hasHidden(String)
        /// Nothing is there, so that there can be no rule for it.
        case missing
    }

    /// The purpose for which the path is given.
    public let use: BoundedPaths.Use
    /// The path as the file has it.
    public let path: String
    /// Why it gives nothing.
    public let reason: Reason

    /// A message for the log, with the remedy.
    public var line: String {
        let subject = "\(path) (\(use == .named ? "a parameter" : "sandbox.\(use.rawValue)"))"
        switch reason {
        case .beyondLimit:
            return
                "\(subject) leads beyond what sandbox_limit allows, and gives nothing: give it in plugins {} of "
                + "schedhost.json5, or widen the limit there"
        case .ledAway(let target):
            return
                "\(subject) leads to \(target) by a link that a plugin may have created, and gives nothing: remove the link, or "
                + "name \(target) itself if the plugin is to use that"
        case .isHidden(let hidden):
            return
                "\(subject) is the host's own, since it belongs to \(hidden), and gives nothing: keep the plugin's files elsewhere"
        case .hasHidden(let hidden):
            return
                "\(subject) contains \(hidden), which is the host's own, and gives nothing: name what the plugin needs beneath "
                + "it, or move the host's files elsewhere"
        case .missing:
            return "\(subject) is not there, and gives nothing: create it before the plugin starts"
        }
    }
}

/// Decides what the lists `read`, `write` and `execute` of a configuration give when a worker starts. Pure.
///
/// The paths are resolved here, and the worker follows no link in them: a plugin that may write a directory could
/// otherwise put a link in the place of something in it, and the next worker would get what the link leads to.
public struct ListedPaths: Sendable {
    private let hidden: [String]
    private let plugins: String
    private let named: NamedPaths

    /// Creates the decision for a host. `hidden` has its own paths, and `plugins` is the plugins directory; links are
    /// resolved in both. `home` is the home directory of its user.
    public init(hidden: Set<String>, plugins: String, home: String?) {
        self.hidden = hidden.sorted()
        self.plugins = plugins
        named = NamedPaths(hidden: hidden + [plugins], home: home)
    }

    /// The settings with resolved paths. Paths that give nothing, and paths that do not exist, are removed; `refused` has the
    /// former, and of the latter those that may be written. `exact` has the resolved paths, in which the worker must not follow
    /// links. `look` returns what exists at a path.
    ///
    /// Named paths are not resolved here, because `NamedPaths` computes what they grant.
    public func resolve(_ settings: SandboxSettings, look: (String) -> NamedPaths.Found?)
        -> (settings: SandboxSettings, exact: Set<String>, refused: [RefusedPath])
    {
        var exact: Set<String> = []
        var refused: [RefusedPath] = []
        lazy var host = look("/proc/self")?.path
        func lead(_ paths: [String], for use: BoundedPaths.Use) -> [String] {
            paths.compactMap { path in
                guard let found = look(path)?.path else {
                    // What is to be read or executed may be of another system than this one.
                    if use == .write { refused.append(RefusedPath(use: use, path: path, reason: .missing)) }
                    return nil
                }
                if let reason = reason(against: found, of: path, for: use, settings.bounds, look) {
                    refused.append(RefusedPath(use: use, path: path, reason: reason))
                    return nil
                }
                // What belongs to the process that looks belongs to another one in the worker.
                if let host, found != host, PlainPath.isBeneath(found, host) {
                    return "/proc/self" + found.dropFirst(host.count)
                }
                exact.insert(found)
                return found
            }
        }
        var resolved = settings
        if case .only(let paths) = settings.read { resolved.read = .only(lead(paths, for: .read)) }
        resolved.write = lead(settings.write, for: .write)
        if case .only(let programs) = settings.execute { resolved.execute = .only(lead(programs, for: .execute)) }
        return (resolved, exact, refused)
    }

    private func reason(
        against found: String, of path: String, for use: BoundedPaths.Use, _ bounds: BoundedPaths,
        _ look: (String) -> NamedPaths.Found?
    ) -> RefusedPath.Reason? {
        if !bounds.allows(found, of: path, for: use, find: { look($0)?.path }) { return .beyondLimit }
        if named.isLedAway(path, look) { return .ledAway(to: found) }
        return conflict(with: found)
    }

    /// The host's own path that forbids to give this one.
    private func conflict(with path: String) -> RefusedPath.Reason? {
        let isBesidePlugins = path != plugins && PlainPath.isBeneath(path, plugins)
        for own in hidden {
            if PlainPath.isBeneath(own, path), own != path { return .hasHidden(own) }
            // The plugins directory may lie within a hidden one.
            if PlainPath.isBeneath(path, own), !isBesidePlugins || !PlainPath.isBeneath(plugins, own) {
                return .isHidden(own)
            }
        }
        if path == plugins { return .isHidden(plugins) }
        if PlainPath.isBeneath(plugins, path) { return .hasHidden(plugins) }
        guard isBesidePlugins else { return nil }
        // A plugin may have files of its own there; plugins and configurations are the host's.
        let rest = path.dropFirst(plugins == "/" ? 1 : plugins.count + 1)
        let isHost = !rest.contains("/") && (rest.hasSuffix(".json5") || rest.hasSuffix(".so"))
        return isHost ? .isHidden(plugins) : nil
    }
}

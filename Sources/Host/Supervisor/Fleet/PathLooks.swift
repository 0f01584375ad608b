internal import HostPolicy
internal import HostSystem
internal import HostValues

/// Looks paths up for one decision, each once, since a worker's start waits for it: a path without links as a whole, and any
/// other by its components.
final class PathLooks {
    private var known: [String: NamedPaths.Found?] = ["/": NamedPaths.Found("/", isFolder: true)]

    /// What exists at a path, with all links resolved; nil if it leads nowhere.
    func look(_ path: String) -> NamedPaths.Found? {
        if let found = known[path] { return found }
        let found = find(path)
        known[path] = .some(found)
        return found
    }

    private func find(_ path: String) -> NamedPaths.Found? {
        if PlainPath.isNormal(path), let status = FileStatus.ofPlain(path) {
            return NamedPaths.Found(path, isFolder: status.kind == .directory)
        }
        guard let slash = path.lastIndex(of: "/"), path.hasPrefix("/") else { return Self.resolve(path) }
        let name = path[path.index(after: slash)...]
        let above = slash == path.startIndex ? "/" : String(path[..<slash])
        if name.isEmpty || name == "." || name == ".." || above.hasSuffix("/") && above != "/" {
            return Self.resolve(path)
        }
        guard let folder = look(above), folder.isFolder else { return nil }
        let place = (folder.path == "/" ? "" : folder.path) + "/" + name
        guard let status = FileStatus.withoutFollowing(place) else { return nil }
        switch status.kind {
        case .link: return Self.resolve(place)
        case .directory: return NamedPaths.Found(place, isFolder: true)
        case .regular, .pipe, .socket, .device: return NamedPaths.Found(place, isFolder: false)
        }
    }

    private static func resolve(_ path: String) -> NamedPaths.Found? {
        guard let resolved = HostProcess.resolved(path) else { return nil }
        return NamedPaths.Found(resolved, isFolder: FileStatus.of(resolved)?.kind == .directory)
    }
}

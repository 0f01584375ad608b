/// A path that a configuration file gives as a parameter.
public struct GivenPath: Equatable, Hashable, Sendable {
    /// The absolute path as the file has it.
    public let path: String
    /// The configuration file.
    public let file: String

    /// Creates a path from a configuration file.
    public init(_ path: String, in file: String) {
        self.path = path
        self.file = file
    }
}

/// Decides what a plugin may do with the paths that its configuration gives it as parameters. A person who writes a
/// path there wants the plugin to use it. But paths that are critical for the system, the host or a user's account are
/// not granted in this way. Pure.
public struct NamedPaths: Sendable {
    /// What exists at a path.
    public struct Found: Equatable, Sendable {
        /// The path with all links resolved.
        public let path: String
        /// Whether it is a directory.
        public let isFolder: Bool

        /// Creates the description of an existing file or directory.
        public init(_ path: String, isFolder: Bool) {
            self.path = path
            self.isFolder = isFolder
        }
    }

    /// A permission to write.
    public enum Grant: Hashable, Sendable {
        /// An existing file may be read and written.
        case file(String)
        /// A file that does not exist yet may be read and written; the host creates it first, because its directory
        /// cannot be granted as a whole.
        case newFile(String)
        /// Everything beneath a directory may be read and written.
        case beneath(String)

        /// The granted path.
        public var path: String {
            switch self {
            case .file(let path), .newFile(let path), .beneath(let path): path
            }
        }
    }

    /// Nothing at or beneath these paths is granted.
    private static let closed = [
        "/bin", "/boot", "/dev", "/efi", "/etc", "/lib", "/lib32", "/lib64", "/libx32", "/proc", "/run/dbus",
        "/run/systemd", "/sbin", "/sys", "/usr", "/var/lib/containerd", "/var/lib/docker", "/var/lib/dpkg",
        "/var/lib/rpm", "/var/lib/systemd", "/var/spool/at", "/var/spool/cron",
    ]
    /// These directories are not granted as a whole, because many programs use them.
    private static let common = [
        "/", "/home", "/media", "/mnt", "/opt", "/run", "/run/lock", "/run/user", "/srv", "/var", "/var/cache",
        "/var/lib", "/var/log", "/var/spool",
    ]
    /// No file is created directly in these directories.
    private static let top = ["/", "/home", "/media", "/mnt", "/opt", "/run", "/srv", "/var"]
    /// Hidden entries of a home directory belong to programs and shells, with the exception of these.
    private static let free = [".cache", ".local/share", ".local/state"]
    private static let notFree = [".local/share/applications", ".local/share/dbus-1", ".local/share/systemd"]

    /// `closed`, and the host's own paths.
    private let refused: [String]
    private let homes: [String]

    /// Creates the decision for a host. `hidden` has the host's own paths (state, plugins and configurations), in which
    /// links are resolved; `home` is the home directory of its user.
    public init(hidden: [String], home: String?) {
        refused = Self.closed + hidden
        homes = ["/root"] + (home.map { $0 == "/" ? [] : [$0] } ?? [])
    }

    /// Whether nothing may be granted at this path, in which links are resolved.
    public func isClosed(_ path: String) -> Bool {
        if PlainPath.isBeneath(path, "/dev/shm") { return false }
        if refused.contains(where: { PlainPath.isBeneath(path, $0) }) { return true }
        guard let rest = inHome(path), rest.hasPrefix(".") else { return false }
        if Self.notFree.contains(where: { PlainPath.isBeneath(rest, $0) }) { return true }
        return !Self.free.contains { PlainPath.isBeneath(rest, $0) && rest != $0 }
    }

    /// Whether a directory cannot be granted as a whole, because many programs use it, or because a path that must not
    /// be granted lies beneath it.
    public func isTooWide(_ folder: String) -> Bool {
        Self.common.contains(folder) || homes.contains(folder) || isHome(folder)
            || refused.contains { PlainPath.isBeneath($0, folder) }
            || homes.contains { PlainPath.isBeneath($0, folder) }
            || inHome(folder).map { rest in Self.notFree.contains { PlainPath.isBeneath($0, rest) } } ?? false
    }

    /// The permissions for these paths, without duplicates, and the paths that lead beyond their bounds. `look` returns
    /// what exists at a path.
    public func grants(for paths: [String], within bounds: BoundedPaths = BoundedPaths(), look: (String) -> Found?)
        -> (grants: [Grant], beyond: [RefusedPath])
    {
        var grants: [Grant] = []
        var beyond: [RefusedPath] = []
        for path in paths {
            guard let grant = grant(for: path, look), !grants.contains(grant) else { continue }
            if bounds.allows(grant.path, of: path, for: .named, find: { look($0)?.path }) {
                grants.append(grant)
            } else {
                beyond.append(RefusedPath(use: .named, path: path, reason: .beyondLimit))
            }
        }
        return (grants, beyond)
    }

    /// Whether the path contains a link that the plugin itself may have created, because the link's directory can be
    /// granted as a whole, and that leads out of that directory.
    func isLedAway(_ path: String, _ look: (String) -> Found?) -> Bool {
        if look(path)?.path == path { return false }
        var folder = "/"
        for part in path.split(separator: "/") where part != "." {
            let place = (folder == "/" ? "" : folder) + "/" + part
            guard let found = look(place) else { return false }
            if found.path != place, !isTooWide(folder), !isClosed(folder), !PlainPath.isBeneath(found.path, folder) {
                return true
            }
            folder = found.path
        }
        return false
    }

    private func grant(for path: String, _ look: (String) -> Found?) -> Grant? {
        if isLedAway(path, look) { return nil }
        if let found = look(path) {
            if isClosed(found.path) { return nil }
            if !found.isFolder { return .file(found.path) }
            return isTooWide(found.path) ? nil : .beneath(found.path)
        }
        var names = path.split(separator: "/").map(String.init)
        guard !names.contains(".."), !names.isEmpty else { return nil }
        var missing: [String] = []
        while let name = names.popLast() {
            missing.insert(name, at: 0)
            guard let found = look("/" + names.joined(separator: "/")) else { continue }
            let folder = found.path
            let whole = (folder == "/" ? "" : folder) + "/" + missing.joined(separator: "/")
            if !found.isFolder || isClosed(folder) || isClosed(whole) { return nil }
            if !isTooWide(folder) { return .beneath(folder) }
            return missing.count == 1 && !Self.top.contains(folder) && !path.hasSuffix("/") ? .newFile(whole) : nil
        }
        return nil
    }

    private func isHome(_ path: String) -> Bool {
        path.hasPrefix("/home/") && !path.dropFirst("/home/".count).contains("/")
    }

    /// The part of a path below a home directory; nil for any other path.
    private func inHome(_ path: String) -> String? {
        for home in homes where path.hasPrefix(home + "/") { return String(path.dropFirst(home.count + 1)) }
        guard path.hasPrefix("/home/") else { return nil }
        let parts = path.split(separator: "/", maxSplits: 2)
        return parts.count == 3 ? String(parts[2]) : nil
    }
}

/// A path that a file gives to a parameter.
public struct GivenPath: Equatable, Hashable, Sendable {
    /// As it stands there, from the root on.
    public let path: String
    /// The file that gives it.
    public let file: String

    /// A path of that file.
    public init(_ path: String, in file: String) {
        self.path = path
        self.file = file
    }
}

/// What a plugin may do to the paths that its configuration gives it as parameters: who writes a path there has meant it. What
/// holds the system, the host or a user's account together is not given away so. Pure.
public struct NamedPaths: Sendable {
    /// What lies at a path.
    public struct Found: Equatable, Sendable {
        /// The path without links.
        public let path: String
        /// Whether it is a folder.
        public let isFolder: Bool

        /// Something that lies there.
        public init(_ path: String, isFolder: Bool) {
            self.path = path
            self.isFolder = isFolder
        }
    }

    /// What is given.
    public enum Grant: Hashable, Sendable {
        /// A file that is there may be read and written.
        case file(String)
        /// So may one that is not there, and is made first: its folder cannot be given as a whole.
        case newFile(String)
        /// All beneath a folder.
        case beneath(String)
    }

    /// Nothing in these is given.
    private static let closed = [
        "/bin", "/boot", "/dev", "/efi", "/etc", "/lib", "/lib32", "/lib64", "/libx32", "/proc", "/run/dbus",
        "/run/systemd", "/sbin", "/sys", "/usr", "/var/lib/containerd", "/var/lib/docker", "/var/lib/dpkg",
        "/var/lib/rpm", "/var/lib/systemd", "/var/spool/at", "/var/spool/cron",
    ]
    /// These are not given as a whole: what many use.
    private static let common = [
        "/", "/home", "/media", "/mnt", "/opt", "/run", "/run/lock", "/run/user", "/srv", "/var", "/var/cache",
        "/var/lib", "/var/log", "/var/spool",
    ]
    /// No file is made in these.
    private static let top = ["/", "/home", "/media", "/mnt", "/opt", "/run", "/srv", "/var"]
    /// What lies in a user's folder beneath a name that begins with a point belongs to programs and shells, but for these.
    private static let free = [".cache", ".local/share", ".local/state"]
    private static let notFree = [".local/share/applications", ".local/share/dbus-1", ".local/share/systemd"]

    private let hidden: [String]
    private let homes: [String]

    /// For a host to which `hidden` belongs (its state, plugins and configurations, without links), and whose user's folder is
    /// `home`.
    public init(hidden: [String], home: String?) {
        self.hidden = hidden
        homes = ["/root"] + (home.map { $0 == "/" ? [] : [$0] } ?? [])
    }

    /// Whether nothing at this path, which has no links in it, may be given.
    public func isClosed(_ path: String) -> Bool {
        if Self.isBeneath(path, "/dev/shm") { return false }
        if (Self.closed + hidden).contains(where: { Self.isBeneath(path, $0) }) { return true }
        guard let rest = inHome(path), rest.hasPrefix(".") else { return false }
        if Self.notFree.contains(where: { Self.isBeneath(rest, $0) }) { return true }
        return !Self.free.contains { Self.isBeneath(rest, $0) && rest != $0 }
    }

    /// Whether a folder cannot be given as a whole, since what is closed lies beneath it, or many use it.
    public func isTooWide(_ folder: String) -> Bool {
        Self.common.contains(folder) || homes.contains(folder) || isHome(folder)
            || (Self.closed + hidden + homes).contains { Self.isBeneath($0, folder) }
            || inHome(folder).map { rest in Self.notFree.contains { Self.isBeneath($0, rest) } } ?? false
    }

    /// What these paths give, each once. `look` says what lies at a path.
    public func grants(for paths: [String], look: (String) -> Found?) -> [Grant] {
        var grants: [Grant] = []
        for path in paths {
            if let grant = grant(for: path, look), !grants.contains(grant) { grants.append(grant) }
        }
        return grants
    }

    private func grant(for path: String, _ look: (String) -> Found?) -> Grant? {
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

    /// The part of a path behind a user's folder; nil outside of these.
    private func inHome(_ path: String) -> String? {
        for home in homes where path.hasPrefix(home + "/") { return String(path.dropFirst(home.count + 1)) }
        guard path.hasPrefix("/home/") else { return nil }
        let parts = path.split(separator: "/", maxSplits: 2)
        return parts.count == 3 ? String(parts[2]) : nil
    }

    static func isBeneath(_ path: String, _ folder: String) -> Bool {
        path == folder || folder == "/" || path.hasPrefix(folder + "/")
    }
}

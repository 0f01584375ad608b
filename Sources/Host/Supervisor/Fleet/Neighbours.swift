internal import HostPolicy
internal import HostSystem
internal import HostValues

/// What lies beside the way to the host's own paths, which all workers with `read: "all"` may read; as it was found when
/// the directories on the way had certain times.
final class Neighbours {
    private struct Stamp: Equatable {
        let device: UInt64
        let inode: UInt64
        let modified: WallTime
        let changed: WallTime
    }

    /// The number of places that are kept open at most.
    private static let mostOpen = 256
    /// A directory that has changed so shortly before, in ns, may change again without getting another time: some kernels
    /// count by hundredths of a second. So for so long its entries are compared too.
    private static let doubt: Int64 = 20_000_000

    /// The paths.
    let paths: [String]
    /// The directories with too many entries.
    let crowded: [String]
    /// Those of the paths that the host itself must not look at, since that may take any time: mounts of other machines.
    let remote: [String]
    private let libraries: Set<String>
    private let hidden: Set<String>
    private let plugins: String
    private var stamps: [String: Stamp] = [:]
    /// The directories that had changed shortly before, and their entries.
    private var doubtful: [String: [Directory.Entry]] = [:]
    /// What of the paths stays open from one worker to the next.
    fileprivate struct Opened: ~Copyable {
        var places = Ruleset.Places()
        /// Those of them that other rules are for too.
        var devices: [String: Ruleset.Place] = [:]
        /// What is opened for each worker again.
        var others: [String] = []
    }

    private var opened: Opened?
    /// Answers of `show`: all workers have the same two programs.
    private var shown: [String: Bool] = [:]
    /// The mounts on which places stay open. An open file prevents that its file system is unmounted, and nobody unmounts
    /// these while a host runs, which needs them itself.
    private let lasting: [UInt64]

    /// Lists the directories on the way to `hidden` and to the plugins directory.
    init(hiding hidden: Set<String>, plugins: String, libraries: Set<String>, now: WallTime?) {
        self.libraries = libraries
        self.hidden = hidden
        self.plugins = plugins
        var stamps: [String: Stamp] = [:]
        var doubtful: [String: [Directory.Entry]] = [:]
        let found = VisiblePaths.find(
            hiding: hidden, plugins: VisiblePaths.Plugins(plugins, libraries: libraries)
        ) { folder in
            let stamp = Self.stamp(of: folder)
            stamps[folder] = stamp
            let entries = Self.list(folder, plugins: plugins)
            if let now, let stamp, stamp.changed > now - Self.doubt { doubtful[folder] = entries }
            return entries.map { VisiblePaths.Entry($0.name, isLink: $0.isLink) }
        }
        paths = found.paths
        crowded = found.crowded
        let mounted = Mounts.remote ?? []
        remote = mounted.isEmpty ? [] : paths.filter { mounted.contains($0) }
        lasting = ["/", "/dev", "/proc", "/sys"].compactMap { Ruleset.Identity(of: $0)?.mount }.filter { $0 != 0 }
        self.stamps = stamps
        self.doubtful = doubtful
    }

    /// Whether a new list would be the same one, of the same files, as long as nothing was mounted. A file that stays open
    /// keeps its number, and those that do not are opened for each worker again.
    func holds(hiding hidden: Set<String>, libraries: Set<String>, now: WallTime?) -> Bool {
        guard self.libraries == libraries, self.hidden == hidden,
            stamps.allSatisfy({ Self.stamp(of: $0.key) == $0.value })
        else { return false }
        for (folder, entries) in doubtful {
            guard Self.list(folder, plugins: plugins) == entries else { return false }
            // From that time on each change gives it another time.
            if let now, let stamp = stamps[folder], stamp.changed <= now - Self.doubt { doubtful[folder] = nil }
        }
        return true
    }

    /// Permits operations beneath each path that is not `remote`.
    func allow(_ rights: FileRights, by ruleset: borrowing Ruleset, keepsOpen: Bool) throws(SystemError) {
        if opened != nil {
            try opened?.allow(rights, by: ruleset)
            return
        }
        var fresh = Opened()
        for path in paths where remote.isEmpty || !remote.contains(path) {
            let place = try Ruleset.Place(path)
            if let place { try ruleset.allow(rights.rawValue, at: place) }
            if let place, paths.count <= Self.mostOpen, lasting.contains(place.identity.mount) {
                fresh.places.append(place)
                if path.hasPrefix(VisiblePaths.devices + "/") { fresh.devices[path] = place }
            } else {
                fresh.others.append(path)
            }
        }
        if keepsOpen { opened = consume fresh }
    }

    /// A device that is kept open.
    func device(_ path: String) -> Ruleset.Place? { opened?.devices[path] }

    /// Whether a path is one of those, or lies beneath one.
    func show(_ path: String) -> Bool {
        if let known = shown[path] { return known }
        let isShown = paths.contains { PlainPath.isBeneath(path, $0) }
        shown[path] = isShown
        return isShown
    }

    /// Closes what was kept open.
    func close() { opened = nil }

    /// The entries of a directory; none if it cannot be read.
    static func entries(of folder: String, most: Int = .max) -> [Directory.Entry] {
        (try? Directory(folder).entries(most: most)) ?? []
    }

    private static func list(_ folder: String, plugins: String) -> [Directory.Entry] {
        let isWhole = folder == plugins || folder == VisiblePaths.devices
        return entries(of: folder, most: isWhole ? .max : VisiblePaths.mostInFolder + 1)
    }

    private static func stamp(of folder: String) -> Stamp? {
        guard let status = FileStatus.of(folder) else { return nil }
        return Stamp(
            device: status.device, inode: status.inode, modified: status.modified, changed: status.changed)
    }
}

extension Neighbours.Opened {
    /// Permits operations beneath each of them.
    fileprivate func allow(_ rights: FileRights, by ruleset: borrowing Ruleset) throws(SystemError) {
        try ruleset.allow(rights.rawValue, at: places)
        for path in others {
            if let place = try Ruleset.Place(path) { try ruleset.allow(rights.rawValue, at: place) }
        }
    }
}

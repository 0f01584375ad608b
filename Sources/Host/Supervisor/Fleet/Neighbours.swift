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
    /// count by hundredths of a second.
    private static let doubt: Int64 = 20_000_000

    /// The paths.
    let paths: [String]
    /// The directories with too many entries.
    let crowded: [String]
    /// Those of the paths that the host itself must not look at, since that may take any time: mounts of other machines.
    let remote: [String]
    private let libraries: Set<String>
    private let hidden: Set<String>
    private var stamps: [String: Stamp] = [:]
    private var isDoubtful = false
    /// The places of the paths that were opened. Only what is on the mount of the root directory stays open: an open file
    /// prevents that its file system is unmounted, and nobody unmounts that one.
    private var places: [String: Ruleset.Place] = [:]
    private let root: UInt64?

    /// Lists the directories on the way to `hidden` and to the plugins directory.
    init(hiding hidden: Set<String>, plugins: String, libraries: Set<String>, now: WallTime?) {
        self.libraries = libraries
        self.hidden = hidden
        var stamps: [String: Stamp] = [:]
        let found = VisiblePaths.find(
            hiding: hidden, plugins: VisiblePaths.Plugins(plugins, libraries: libraries)
        ) { folder in
            stamps[folder] = Self.stamp(of: folder)
            let isWhole = folder == plugins || folder == VisiblePaths.devices
            return Self.entries(of: folder, most: isWhole ? .max : VisiblePaths.mostInFolder + 1)
        }
        paths = found.paths
        crowded = found.crowded
        let mounted = Mounts.remote ?? []
        remote = mounted.isEmpty ? [] : paths.filter { mounted.contains($0) }
        root = Ruleset.Identity(of: "/")?.mount
        if let now { isDoubtful = stamps.values.contains { $0.changed > now - Self.doubt } }
        self.stamps = stamps
    }

    /// Whether a new list would be the same one, of the same files, as long as nothing was mounted.
    func holds(hiding hidden: Set<String>, libraries: Set<String>) -> Bool {
        !isDoubtful && self.libraries == libraries && self.hidden == hidden
            && stamps.allSatisfy { Self.stamp(of: $0.key) == $0.value }
    }

    /// Permits operations beneath each path that is not `remote`.
    func allow(_ rights: FileRights, by ruleset: borrowing Ruleset, keepsOpen: Bool) throws(SystemError) {
        for path in paths where remote.isEmpty || !remote.contains(path) {
            var known = places[path]
            if known == nil { known = try Ruleset.Place(path) }
            guard let place = known else { continue }
            try ruleset.allow(rights.rawValue, at: place)
            if keepsOpen, paths.count <= Self.mostOpen, place.identity.mount == root, root != 0 {
                places[path] = place
            }
        }
    }

    /// Closes what was kept open.
    func close() { places = [:] }

    /// The entries of a directory; none if it cannot be read.
    static func entries(of folder: String, most: Int = .max) -> [VisiblePaths.Entry] {
        ((try? Directory(folder).entries(most: most)) ?? []).map { VisiblePaths.Entry($0.name, isLink: $0.isLink) }
    }

    private static func stamp(of folder: String) -> Stamp? {
        guard let status = FileStatus.of(folder) else { return nil }
        return Stamp(
            device: status.device, inode: status.inode, modified: status.modified, changed: status.changed)
    }
}

/// Computes what a worker may read if its sandbox permits reading everything: all paths except hidden ones. Pure.
///
/// The kernel's rules permit what is beneath a path and cannot exclude anything. So each sibling of a directory on the
/// way to a hidden path needs a rule of its own. Links are skipped: their target has its own rule, or is hidden.
public struct VisiblePaths {
    /// An entry of a directory.
    public struct Entry: Equatable, Sendable {
        /// The name.
        public let name: String
        /// Whether the entry is a symbolic link.
        public let isLink: Bool

        /// Creates an entry.
        public init(_ name: String, isLink: Bool = false) {
            self.name = name
            self.isLink = isLink
        }
    }

    /// The plugins directory. Its plugins and configurations are hidden; its other files are visible.
    public struct Plugins: Sendable {
        /// The path, in which links are resolved.
        public let path: String
        /// The names of files that look like plugins but are libraries of plugins.
        public let libraries: Set<String>

        /// Creates a directory.
        public init(_ path: String, libraries: Set<String>) {
            self.path = path
            self.libraries = libraries
        }

        private func shows(_ name: String) -> Bool {
            if name.hasSuffix(".json5") { return false }
            return !name.hasSuffix(".so") || libraries.contains(name)
        }

        func visible(of entries: [Entry]) -> [Entry] { entries.filter { shows($0.name) } }
    }

    /// The maximum number of visible entries of a directory. Each needs a rule, which takes a worker some microseconds
    /// at its start; a directory with more entries is hidden (`crowded`).
    public static let mostInFolder = 1000

    /// The directory of devices. It is never visible as a whole, since it has other people's terminals and the disks;
    /// `plainDevices` are.
    public static let devices = "/dev"
    static let plainDevices: Set = ["full", "null", "random", "shm", "urandom", "zero"]

    /// The visible paths, absolute.
    public private(set) var paths: [String] = []
    /// The directories with too many entries. They are hidden, except for the subdirectories that lead to a hidden path
    /// or to the plugins directory.
    public private(set) var crowded: [String] = []
    private let hidden: Set<String>
    private let plugins: Plugins
    private var ways: Set<String> = []

    /// Computes the visible paths. `hidden` has paths in which links are resolved; `list` returns the entries of a
    /// directory. If there are more than `mostInFolder`, it may return any number of entries that exceeds that.
    public static func find(hiding hidden: Set<String>, plugins: Plugins, list: (String) -> [Entry]) -> VisiblePaths {
        var visible = VisiblePaths(hidden: hidden, plugins: plugins)
        visible.find(list)
        return visible
    }

    private init(hidden: Set<String>, plugins: Plugins) {
        self.hidden = hidden
        self.plugins = plugins
    }

    private mutating func find(_ list: (String) -> [Entry]) {
        for path in hidden.union([plugins.path]) {
            var way = path
            while let slash = way.lastIndex(of: "/"), slash != way.startIndex {
                way = String(way[..<slash])
                ways.insert(way)
            }
        }
        walk("/", list)
        // The plugins directory may lie within a hidden directory.
        if hidden.contains(where: { plugins.path == $0 || plugins.path.hasPrefix($0 + "/") }) {
            walk(plugins.path, list)
        }
    }

    private mutating func walk(_ folder: String, _ list: (String) -> [Entry]) {
        let all = list(folder)
        let shown = shown(all, in: folder)
        if shown.count > Self.mostInFolder {
            crowded.append(folder)
            let start = folder == "/" ? "/" : folder + "/"
            let ways = ways.union([plugins.path]).subtracting(hidden).filter { way in
                way.hasPrefix(start) && way.count > start.count && !way.dropFirst(start.count).contains("/")
            }
            for way in ways.sorted() { walk(way, list) }
            return
        }
        for entry in shown where !entry.isLink {
            let path = folder == "/" ? "/" + entry.name : folder + "/" + entry.name
            if hidden.contains(path) { continue }
            if ways.contains(path) || path == plugins.path || path == Self.devices {
                walk(path, list)
            } else {
                paths.append(path)
            }
        }
    }

    private func shown(_ entries: [Entry], in folder: String) -> [Entry] {
        switch folder {
        case plugins.path: plugins.visible(of: entries)
        case Self.devices: entries.filter { Self.plainDevices.contains($0.name) || ways.contains("/dev/" + $0.name) }
        default: entries
        }
    }
}

/// What a worker may read where it may read all: everything but what is hidden. Pure.
///
/// The kernel's rules allow what is beneath a path, and take nothing away. So whatever lies beside the way to something hidden
/// is allowed by itself. A link is passed over: what it leads to has a rule of its own, or is hidden.
public struct VisiblePaths {
    /// One entry of a folder.
    public struct Entry: Equatable, Sendable {
        /// Its name.
        public let name: String
        /// Whether it is a link.
        public let isLink: Bool

        /// An entry.
        public init(_ name: String, isLink: Bool = false) {
            self.name = name
            self.isLink = isLink
        }
    }

    /// The plugins directory, of which the plugins and the configurations are hidden, and what else is not.
    public struct Plugins: Sendable {
        /// Where it is, links resolved.
        public let path: String
        /// The names of files there that look like plugins, and are libraries of some.
        public let libraries: Set<String>

        /// A directory.
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

    /// Each rule costs a worker some microseconds at its start: a folder on the way with more entries is hidden as a whole.
    public static let mostInFolder = 1000

    /// What is visible, from the root on.
    public private(set) var paths: [String] = []
    /// Folders on the way of which nothing else is visible, since there is too much in them.
    public private(set) var crowded: [String] = []
    private let hidden: Set<String>
    private let plugins: Plugins
    private var ways: Set<String> = []

    /// Finds all that is visible. `hidden` are paths with their links resolved; `list` says what is in a folder; of what
    /// is over `mostInFolder` it need not say more than that it is.
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
        // Where it lies in what is hidden.
        if hidden.contains(where: { plugins.path == $0 || plugins.path.hasPrefix($0 + "/") }) {
            walk(plugins.path, list)
        }
    }

    private mutating func walk(_ folder: String, _ list: (String) -> [Entry]) {
        let all = list(folder)
        let shown = folder == plugins.path ? plugins.visible(of: all) : all
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
            if ways.contains(path) || path == plugins.path { walk(path, list) } else { paths.append(path) }
        }
    }
}

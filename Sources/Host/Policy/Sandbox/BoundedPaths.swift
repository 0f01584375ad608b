/// The paths that only a plugin's own file gives, with the folders beneath which `sandbox_limit` permits them. They are
/// resolved when a worker starts, because a path within the limit can be a link that leads out of it. Pure.
public struct BoundedPaths: Equatable, Sendable {
    /// The purpose for which a path is given.
    public enum Use: String, Sendable {
        case read, write, execute
        /// The path is the value of a parameter.
        case named
    }

    private struct Place: Hashable {
        let use: Use
        let path: String
    }

    private var bounds: [Place: [String]] = [:]

    /// Creates an empty set of bounds.
    public init() {}

    /// The folders beneath which a path must be; nil if it has no bounds.
    public func bounds(of path: String, for use: Use) -> [String]? { bounds[Place(use: use, path: path)] }

    /// Adds a path with its bounds.
    mutating func bound(_ path: String, for use: Use, by folders: [String]) {
        bounds[Place(use: use, path: path)] = folders
    }

    /// Whether `found`, to which the path was resolved, is within the path's bounds. `find` resolves an existing path.
    func allows(_ found: String, of path: String, for use: Use, find: (String) -> String?) -> Bool {
        guard let folders = bounds(of: path, for: use) else { return true }
        return folders.contains { folder in
            PlainPath.leading(folder, find: find).map { PlainPath.isBeneath(found, $0) } ?? false
        }
    }

    /// Adds the named paths of another plugin in a shared worker. A path that one of them has without bounds has none.
    mutating func share(named: [String], with present: [String], _ other: BoundedPaths) {
        for path in named {
            let place = Place(use: .named, path: path)
            if other.bounds[place] == nil {
                bounds[place] = nil
            } else if !present.contains(path) {
                bounds[place] = other.bounds[place]
            }
        }
    }
}

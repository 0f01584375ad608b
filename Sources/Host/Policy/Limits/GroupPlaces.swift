internal import HostValues

/// The places where a host can create control groups for its workers, according to the files in /proc. Pure. cgroups(7)
public struct GroupPlaces: Equatable, Sendable {
    /// A controller.
    public enum Controller: String, CaseIterable, Sendable {
        case cpu, memory, pids
    }

    /// The version of control groups, which determines the names of their files.
    public enum Version: Equatable, Sendable {
        /// A hierarchy for each controller.
        case first
        /// One hierarchy for all controllers.
        case second
    }

    /// A folder in which groups can be created.
    public struct Place: Hashable, Sendable {
        /// The absolute path.
        public let folder: String
        /// The version of its hierarchy.
        public let version: Version

        /// Creates a place.
        public init(_ folder: String, _ version: Version) {
            self.folder = folder
            self.version = version
        }
    }

    /// The group into which a host moves itself if its original group must not contain processes.
    public static let ownGroup = "schedhost-host"

    /// The place for each controller.
    public private(set) var places: [Controller: Place] = [:]
    private var tops: Set<String> = []

    /// Creates an empty set of places.
    public init() {}

    /// Creates a set of these places.
    public init(_ places: [Controller: Place]) { self.places = places }

    /// Finds the places from the contents of /proc/self/cgroup and /proc/self/mountinfo.
    public init(membership: String, mounts: String) {
        let trees = mounts.split(separator: "\n").compactMap { Tree($0) }
        tops = Set(trees.map(\.folder))
        for line in membership.split(separator: "\n") {
            let parts = line.split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false)
            guard parts.count == 3, parts[2].hasPrefix("/") else { continue }
            let isUnified = parts[0] == "0" && parts[1].isEmpty
            let path = Self.parent(of: String(parts[2]))
            for controller in Controller.allCases {
                let name = Substring(controller.rawValue)
                if isUnified {
                    // A controller with a hierarchy of its own is not in the unified one.
                    guard places[controller] == nil, let tree = trees.first(where: { $0.version == .second })
                    else { continue }
                    places[controller] = tree.folder(of: path).map { Place($0, .second) }
                } else if parts[1].split(separator: ",").contains(name) {
                    let tree = trees.first { $0.version == .first && $0.controllers.contains(name) }
                    places[controller] = tree?.folder(of: path).map { Place($0, .first) }
                }
            }
        }
    }

    /// Whether a folder is the root of a mounted hierarchy.
    public func isTop(_ folder: String) -> Bool { tops.contains(folder) }

    /// The controllers of the groups with that name that contain a process, from the contents of its /proc/PID/cgroup.
    public func joined(_ membership: String, name: String) -> Set<Controller> {
        var joined: Set<Controller> = []
        for line in membership.split(separator: "\n") {
            let parts = line.split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false)
            guard parts.count == 3, parts[2].hasSuffix("/" + name) else { continue }
            for (controller, place) in places {
                switch place.version {
                case .first:
                    if parts[1].split(separator: ",").contains(Substring(controller.rawValue)) {
                        joined.insert(controller)
                    }
                case .second: if parts[0] == "0", parts[1].isEmpty { joined.insert(controller) }
                }
            }
        }
        return joined
    }

    private static func parent(of path: String) -> String {
        guard path.hasSuffix("/" + ownGroup) else { return path }
        let rest = path.dropLast(ownGroup.utf8.count + 1)
        return rest.isEmpty ? "/" : String(rest)
    }

    /// A mounted hierarchy.
    private struct Tree {
        let root: String
        let folder: String
        let version: Version
        let controllers: [Substring]

        init?(_ line: Substring) {
            // Most lines are of other file systems, and to divide one takes longer than this.
            guard line.contains(" - cgroup") else { return nil }
            let halves = line.split(separator: " ", omittingEmptySubsequences: true)
            guard let dash = halves.firstIndex(of: "-"), dash >= 6, halves.count >= dash + 4 else { return nil }
            switch halves[dash + 1] {
            case "cgroup": version = .first
            case "cgroup2": version = .second
            default: return nil
            }
            controllers = halves[dash + 3].split(separator: ",")
            root = Self.plain(halves[3])
            folder = Self.plain(halves[4])
        }

        /// The folder of a group; nil if the mount does not show it.
        func folder(of path: String) -> String? {
            if path.split(separator: "/").contains("..") { return nil }
            if root == "/" { return path == "/" ? folder : folder + path }
            if path == root { return folder }
            return path.hasPrefix(root + "/") ? folder + path.dropFirst(root.utf8.count) : nil
        }

        /// Decodes the octal escapes of spaces, tabs, line breaks and backslashes.
        private static func plain(_ text: Substring) -> String {
            var bytes: [UInt8] = []
            var rest = Array(text.utf8)[...]
            while let byte = rest.popFirst() {
                if byte == UInt8(ascii: "\\"), rest.count >= 3,
                    let code = UInt8(String(decoding: rest.prefix(3), as: UTF8.self), radix: 8)
                {
                    bytes.append(code)
                    rest = rest.dropFirst(3)
                } else {
                    bytes.append(byte)
                }
            }
            return String(decoding: bytes, as: UTF8.self)
        }
    }
}

/// The state of a folder in the unified hierarchy, in which the host wants to create groups. Pure.
public struct GroupFacts: Equatable, Sendable {
    /// The controllers that the folder has.
    public var available: Set<GroupPlaces.Controller>
    /// The controllers that its child groups have.
    public var enabled: Set<GroupPlaces.Controller>
    /// Whether it is the root of the machine's hierarchy, which may contain processes beside groups.
    public var isRoot: Bool
    /// Whether the manager of the hierarchy has delegated it to us, or it is the root of a container's hierarchy.
    public var isDelegated: Bool

    /// Creates the state from the contents of cgroup.controllers and cgroup.subtree_control.
    public init(available: String, enabled: String, isRoot: Bool, isDelegated: Bool) {
        func set(_ text: String) -> Set<GroupPlaces.Controller> {
            Set(text.split(whereSeparator: \.isWhitespace).compactMap { GroupPlaces.Controller(rawValue: String($0)) })
        }
        self.available = set(available)
        self.enabled = set(enabled)
        self.isRoot = isRoot
        self.isDelegated = isDelegated
    }

    /// A step that gives controllers to the child groups.
    public enum Step: Equatable, Sendable {
        /// The host moves itself into a child group, because a group whose child groups have controllers must not contain
        /// processes.
        case leave
        /// Enables controllers for child groups.
        case enable(Set<GroupPlaces.Controller>)
    }

    /// The required steps, in order. There are none if nothing is missing, or if the folder belongs to another manager.
    public var steps: [Step] {
        let missing = available.subtracting(enabled)
        if missing.isEmpty { return [] }
        if isRoot { return [.enable(missing)] }
        return isDelegated ? [.leave, .enable(missing)] : []
    }

    /// The controllers that child groups have after these steps.
    public var reachable: Set<GroupPlaces.Controller> { steps.isEmpty ? enabled : available.union(enabled) }
}

/// The user ids from which each plugin gets its own, where the host runs as root: `sandbox_users`. Pure.
public struct UserRange: Equatable, Sendable {
    /// Why a text is no range.
    public enum Fault: Error, Equatable {
        case malformed
        /// It contains ids below 1000, which belong to the system.
        case system

        /// The fault in one line, with the remedy.
        var text: String {
            switch self {
            case .malformed: "must be two user ids, the lower one first, like \"2100000000-2100065535\""
            case .system:
                "has user ids below 1000, which are the system's: take ids that nobody has, like \"2100000000-2100065535\""
            }
        }
    }

    /// The lowest id that no system account has.
    private static let least: UInt32 = 1000
    /// The id that many systems use for nobody, and the one that stands for no change.
    private static let nobody: Set<UInt32> = [65_534, .max]

    /// The lowest id.
    public let first: UInt32
    /// The highest id.
    public let last: UInt32

    /// Parses `FIRST-LAST`.
    public init(_ text: String) throws(Fault) {
        let parts = text.split(separator: "-", omittingEmptySubsequences: false)
        guard parts.count == 2, let first = Self.number(parts[0]), let last = Self.number(parts[1]), first <= last,
            last < .max
        else { throw .malformed }
        if first < Self.least { throw .system }
        self.first = first
        self.last = last
    }

    private static func number(_ text: Substring) -> UInt32? {
        text.utf8.allSatisfy { $0 >= 48 && $0 <= 57 } ? UInt32(text) : nil
    }

    /// Whether an id is in the range.
    public func contains(_ user: UInt32) -> Bool { user >= first && user <= last && !Self.nobody.contains(user) }

    /// Why a host of that user cannot use the range; nil if it can.
    public func fault(host user: UInt32) -> String? {
        if contains(user) { return "has the host's own user id \(user) in it: take ids that nobody has" }
        return user == 0
            ? nil
            : "needs a host that runs as root, and this one runs as user \(user): start it as root, or remove sandbox_users"
    }
}

/// Which plugin has which user id. A plugin keeps its id, also while it is gone. Pure.
public struct PluginUsers: Equatable, Sendable {
    /// The ids by plugin.
    public private(set) var ids: [String: UInt32] = [:]

    /// Creates an empty table.
    public init() {}

    /// Reads a saved file. Invalid lines are ignored, and so are ids that two plugins have.
    public init(text: String) {
        var users: Set<UInt32> = []
        for line in text.split(separator: "\n") {
            let parts = line.split(separator: " ", maxSplits: 1)
            guard parts.count == 2, let user = UInt32(parts[0]), users.insert(user).inserted else { continue }
            ids[String(parts[1])] = user
        }
    }

    /// The content of the file to save: a line for each plugin.
    public var text: String { ids.sorted { $0.key < $1.key }.map { "\($0.value) \($0.key)\n" }.joined() }

    /// The plugin's id; a new one if it has none in the range. nil if the range has no free id. `isTaken`: an account of the
    /// machine has the id. `lent` has the ids that accounts may use in containers of their own; a plugin that has such an
    /// id gets another one.
    public mutating func user(
        of plugin: String, in range: UserRange, lent: LentUsers = LentUsers(),
        isTaken: (UInt32) -> Bool = { _ in false }
    ) -> UInt32? {
        if let user = ids[plugin], range.contains(user), !lent.contains(user) { return user }
        let present = Set(ids.filter { $0.key != plugin }.values)
        let count = UInt64(range.last - range.first) + 1
        // The place depends on the name only, so that a lost file changes little.
        let start =
            plugin.utf8.reduce(14_695_981_039_346_656_037 as UInt64) { ($0 ^ UInt64($1)) &* 1_099_511_628_211 } % count
        for step in 0..<count {
            let user = range.first + UInt32((start + step) % count)
            if range.contains(user), !present.contains(user), !lent.contains(user), !isTaken(user) {
                ids[plugin] = user
                return user
            }
        }
        return nil
    }

    /// The ids of accounts, from the content of /etc/passwd.
    public static func accounts(_ passwd: String) -> Set<UInt32> {
        Set(
            passwd.split(separator: "\n").compactMap { line in
                let fields = line.split(separator: ":", omittingEmptySubsequences: false)
                return fields.count > 2 ? UInt32(fields[2]) : nil
            })
    }
}

/// Subordinate ids: user ids that an account may give to processes in a container of its own, and so act as. Pure. See
/// subuid(5).
public struct LentUsers: Equatable, Sendable {
    private var ranges: [ClosedRange<UInt32>] = []

    /// Creates an empty set.
    public init() {}

    /// Reads the contents of /etc/subuid and /etc/subgid. A plugin's group has the number of its user, so both count.
    /// Invalid lines are ignored.
    public init(files: [String]) {
        for line in files.flatMap({ $0.split(separator: "\n") }) {
            let fields = line.split(separator: ":", omittingEmptySubsequences: false)
            guard fields.count == 3, let first = UInt32(fields[1]), let count = UInt32(fields[2]), count > 0 else {
                continue
            }
            let (last, isBeyond) = first.addingReportingOverflow(count - 1)
            ranges.append(first...(isBeyond ? .max : last))
        }
    }

    /// Whether an account may use the id.
    public func contains(_ user: UInt32) -> Bool { ranges.contains { $0.contains(user) } }
}

internal import HostValues

/// What can be held by one host at a time: a routine, or one of its shards.
public struct ClaimName: Hashable, Sendable, CustomStringConvertible {
    /// The plugin, with its instance.
    public let plugin: String
    /// The routine.
    public let routine: String
    /// Which part of it; nil: all of it.
    public let shard: Int?

    /// A name.
    public init(plugin: String, routine: String, shard: Int? = nil) {
        self.plugin = plugin
        self.routine = routine
        self.shard = shard
    }

    /// The name of what people call so: `crawl` or, of a part, `crawl#3`.
    public init(plugin: String, named name: String) {
        let (routine, shard) = RoutineShard.split(name)
        self.init(plugin: plugin, routine: routine, shard: shard)
    }

    /// As people read it.
    public var description: String { "\(plugin)/\(routine)" + (shard.map { "#\($0)" } ?? "") }
}

/// The keys of a cluster's records.
///
/// All that leases rest on begins alike, so that one list brings it: each host asks for it in each sixth of a lease. In the
/// order of their bytes come the epoch, the floor of tokens, the hosts and then the claims. So hosts are read no later than
/// the claims that name them, and where a list has no room for all, it is claims that are missing.
public enum ClusterKey {
    /// What the keys of all that leases rest on begin with.
    public static let leases = StoreKeys.leases
    /// Which epoch it is.
    public static let epoch = leases + "epoch"
    /// The greatest token of claims whose records were removed.
    public static let tokens = leases + "floor"
    /// What the keys of hosts begin with.
    public static let hosts = leases + "host/"
    /// What the keys of claims begin with.
    public static let claims = StoreKeys.claims
    /// What the keys of hosts' reports begin with.
    static let reports = "status/"
    /// What the keys of sessions' records begin with.
    static let records = "record/"
    /// The longest key that a store takes, with room for the cluster's name before it.
    static let most = 900

    /// A host's record.
    public static func host(_ id: HostID) -> String { hosts + id.description }

    /// Whose record it is; nil for what is no host's.
    static func host(in key: String) -> HostID? {
        key.hasPrefix(hosts) ? HostID(String(key.dropFirst(hosts.count))) : nil
    }

    /// A claim's record; nil for a name that no key has room for.
    public static func claim(_ name: ClaimName) -> String? {
        let shard = name.shard.map { "#\($0)" } ?? ""
        let key = claims + escaped(name.plugin) + "/" + escaped(name.routine) + shard
        return key.utf8.count <= most ? key : nil
    }

    /// The claim whose record has that key; nil for what is no claim's.
    static func claim(in key: String) -> ClaimName? {
        guard key.hasPrefix(claims) else { return nil }
        let parts = key.dropFirst(claims.count).split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count == 2, let plugin = unescaped(parts[0]), !plugin.isEmpty else { return nil }
        let pieces = parts[1].split(separator: "#", omittingEmptySubsequences: false)
        guard let routine = pieces.first.flatMap({ unescaped($0) }), !routine.isEmpty else { return nil }
        if pieces.count == 1 { return ClaimName(plugin: plugin, routine: routine) }
        guard pieces.count == 2, let shard = Int(pieces[1]), shard >= 0, String(shard) == pieces[1] else { return nil }
        return ClaimName(plugin: plugin, routine: routine, shard: shard)
    }

    /// A host's report.
    static func report(_ id: HostID) -> String { reports + id.description }

    /// Whose report it is; nil for what is no host's.
    static func reporter(in key: String) -> HostID? {
        key.hasPrefix(reports) ? HostID(String(key.dropFirst(reports.count))) : nil
    }

    /// What the keys of a host's records begin with.
    static func records(of id: HostID) -> String { "\(records)\(id)/" }

    /// One of the places in which a host keeps its newest records, each for the next one when all are full.
    static func record(_ id: HostID, slot: UInt64) -> String { records(of: id) + String(slot) }

    /// What `escaped` made a text of; nil for what it never makes.
    private static func unescaped(_ text: Substring) -> String? {
        var bytes: [UInt8] = []
        var rest = Array(text.utf8)[...]
        while let byte = rest.popFirst() {
            guard byte == UInt8(ascii: "%") else {
                bytes.append(byte)
                continue
            }
            guard rest.count >= 2, let value = UInt8(String(decoding: rest.prefix(2), as: UTF8.self), radix: 16) else {
                return nil
            }
            bytes.append(value)
            rest = rest.dropFirst(2)
        }
        guard let name = String(validating: bytes, as: UTF8.self), escaped(name) == text else { return nil }
        return name
    }

    /// Letters, digits and `. _ -` stay; all else becomes `%` and two digits, so that no two names have one key.
    private static func escaped(_ name: String) -> String {
        var text: [UInt8] = []
        for byte in name.utf8 {
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: "-"):
                text.append(byte)
            default:
                let digits = Array("0123456789ABCDEF".utf8)
                text += [UInt8(ascii: "%"), digits[Int(byte >> 4)], digits[Int(byte & 15)]]
            }
        }
        return String(decoding: text, as: UTF8.self)
    }
}

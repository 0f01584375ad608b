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
public enum ClusterKey {
    /// Which epoch it is.
    public static let epoch = "epoch"
    /// The greatest token of claims whose records were removed.
    public static let tokens = "tokens"
    /// What the keys of hosts begin with.
    public static let hosts = "host/"
    /// What the keys of claims begin with.
    public static let claims = "claim/"
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

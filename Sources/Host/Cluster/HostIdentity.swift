/// Who a host is, and which process speaks for it.
public struct HostIdentity: Equatable, Sendable {
    /// Its id.
    public var id: HostID
    /// What people call it.
    public var name: String
    /// The supervisor's process.
    public var pid: UInt64
    /// The boot, with the name space in which `pid` means something.
    public var boot: String
    /// The program's version.
    public var version: String
    /// Random bits, from which its incarnations are made.
    public var seed: UInt64

    /// An identity.
    public init(id: HostID, name: String, pid: UInt64, boot: String, version: String, seed: UInt64) {
        self.id = id
        self.name = name
        self.pid = pid
        self.boot = boot
        self.version = version
        self.seed = seed
    }
}

/// The incarnations of one process: what bears one of them in the store is its own.
struct OwnLives: Sendable {
    private let seed: UInt64
    private var count: UInt64 = 0
    private var past: Set<Incarnation> = []
    private(set) var current: Incarnation

    init(seed: UInt64) {
        self.seed = seed
        current = Self.incarnation(seed, 0)
    }

    /// It is another one from here on.
    mutating func renew() {
        past.insert(current)
        count += 1
        current = Self.incarnation(seed, count)
    }

    /// Whether it is or was one of this process.
    func include(_ incarnation: Incarnation?) -> Bool {
        incarnation.map { $0 == current || past.contains($0) } == true
    }

    /// SplitMix64.
    private static func incarnation(_ seed: UInt64, _ count: UInt64) -> Incarnation {
        var value = seed &+ count &* 0x9E37_79B9_7F4A_7C15
        value = (value ^ value >> 30) &* 0xBF58_476D_1CE4_E5B9
        value = (value ^ value >> 27) &* 0x94D0_49BB_1331_11EB
        return Incarnation(rawValue: value ^ value >> 31)
    }
}

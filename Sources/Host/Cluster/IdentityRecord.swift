internal import HostValues

/// What a host's state directory says of it: which host it is, for as long as the directory lives, and which process was
/// it last.
public struct IdentityRecord: Equatable, Sendable {
    /// The host.
    public let id: HostID
    /// The first of the lives of the process that was it last.
    public let incarnation: Incarnation
    /// The boot of that process, with the name space of its id.
    public let boot: String
    /// That process.
    public let pid: UInt64
    /// Whether the host is drained: it takes no leases until a person says so.
    public let isDraining: Bool

    /// The record of a host that begins.
    public init(_ identity: HostIdentity, isDraining: Bool) {
        self.isDraining = isDraining
        id = identity.id
        incarnation = OwnLives(seed: identity.seed).current
        boot = identity.boot
        pid = identity.pid
    }

    /// Reads one; nil for what is none, or is of a form that this host does not know.
    public init?(_ bytes: [UInt8]) {
        guard let fields = RecordFields(bytes), let id = fields.text("host", most: 32).flatMap({ HostID($0) }),
            let incarnation = fields.text("incarnation", most: 16).flatMap({ Incarnation($0) }),
            let boot = fields.text("boot", most: 128), let pid = fields.number("pid")
        else { return nil }
        self.id = id
        self.incarnation = incarnation
        self.boot = boot
        self.pid = pid
        isDraining = fields.truth("draining") ?? false
    }

    /// As it is stored.
    public var bytes: [UInt8] {
        RecordFields.written { writer in
            writer.field("host", id.description)
            writer.field("incarnation", incarnation.description)
            writer.field("boot", boot, limit: 128)
            writer.field("pid", pid)
            if isDraining { writer.field("draining", true) }
        }
    }
}

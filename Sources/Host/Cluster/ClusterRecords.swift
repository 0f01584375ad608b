internal import HostValues

/// Which history of the store this is: it changes whenever acknowledged commits may have been lost. And how long leases
/// are in it: who waits for another host to be dead must wait as long as that one's lease lasts.
public struct EpochRecord: Equatable, Sendable {
    /// How long leases may be, in ms.
    static let lengths: ClosedRange<UInt64> = 1000...600_000

    /// The store's instance that it belongs to.
    public var instance: String
    /// Counts them.
    public var number: UInt64
    /// Tokens of this epoch are this at least: more than all that were given before, also those that were lost.
    public var base: UInt64
    /// The length of all leases in it, in ms.
    public var leaseMs: UInt64
    /// How long who sees it takes nothing, in ms: as long as leases may last that were given before it.
    public var settleMs: UInt64

    /// An epoch.
    public init(instance: String, number: UInt64, base: UInt64, leaseMs: UInt64, settleMs: UInt64) {
        self.instance = instance
        self.number = number
        self.base = base
        self.leaseMs = leaseMs
        self.settleMs = settleMs
    }

    /// Reads one; nil for what is none, or is of a form that this host does not know.
    public init?(_ bytes: [UInt8]) {
        guard let fields = RecordFields(bytes), let instance = fields.text("instance", most: 256),
            let number = fields.number("n"), let base = fields.number("base_ms"),
            let length = fields.number("lease_ms"), Self.lengths.contains(length),
            let settling = fields.number("settle_ms"), Self.lengths.contains(settling)
        else { return nil }
        self.init(instance: instance, number: number, base: base, leaseMs: length, settleMs: settling)
    }

    /// As it is stored.
    public var bytes: [UInt8] {
        RecordFields.written { writer in
            writer.field("instance", instance)
            writer.field("n", number)
            writer.field("base_ms", base)
            writer.field("lease_ms", leaseMs)
            writer.field("settle_ms", settleMs)
        }
    }
}

/// That a host is there, and who it is. It is written again with each renewal.
public struct HostRecord: Equatable, Sendable {
    /// Which of its lives it is in.
    public var incarnation: Incarnation
    /// Counts renewals, so that no two records of a life are the same.
    public var beat: UInt64
    /// What people call the machine.
    public var name: String
    /// The supervisor's process.
    public var pid: UInt64
    /// The boot, and the name space in which `pid` means something.
    public var boot: String
    /// The host program's version.
    public var version: String
    /// How much it takes, beside others; 0: nothing.
    public var weight: UInt64
    /// Whether it gives up what it has, and takes nothing.
    public var isDraining: Bool
    /// How many claims it holds.
    public var leases: UInt64
    /// The base of an epoch of which it knows that it has settled; 0: of none.
    public var settled: UInt64
    /// How long leases are to be by its configuration, in ms. How long they are the epoch says.
    public var leaseMs: UInt64

    /// A record.
    public init(
        incarnation: Incarnation, beat: UInt64, name: String, pid: UInt64, boot: String, version: String,
        weight: UInt64, isDraining: Bool, leases: UInt64, settled: UInt64, leaseMs: UInt64
    ) {
        self.incarnation = incarnation
        self.beat = beat
        self.name = name
        self.pid = pid
        self.boot = boot
        self.version = version
        self.weight = weight
        self.isDraining = isDraining
        self.leases = leases
        self.settled = settled
        self.leaseMs = leaseMs
    }

    /// Reads one; nil for what is none, or is of a form that this host does not know.
    public init?(_ bytes: [UInt8]) {
        guard let fields = RecordFields(bytes),
            let incarnation = fields.text("incarnation", most: 16).flatMap({ Incarnation($0) }),
            let beat = fields.number("beat"), let name = fields.text("name", most: 255),
            let pid = fields.number("pid"), let boot = fields.text("boot", most: 128),
            let version = fields.text("version", most: 64), let weight = fields.number("weight"),
            weight <= Placement.mostWeight, let isDraining = fields.truth("draining"),
            let leases = fields.number("leases"), let settled = fields.number("settled"),
            let length = fields.number("lease_ms")
        else { return nil }
        self.init(
            incarnation: incarnation, beat: beat, name: name, pid: pid, boot: boot, version: version, weight: weight,
            isDraining: isDraining, leases: leases, settled: settled, leaseMs: length)
    }

    /// As it is stored.
    public var bytes: [UInt8] {
        RecordFields.written { writer in
            writer.field("incarnation", incarnation.description)
            writer.field("beat", beat)
            writer.field("name", name, limit: 255)
            writer.field("pid", pid)
            writer.field("boot", boot, limit: 128)
            writer.field("version", version, limit: 64)
            writer.field("weight", min(weight, Placement.mostWeight))
            writer.field("draining", isDraining)
            writer.field("leases", leases)
            writer.field("settled", settled)
            writer.field("lease_ms", leaseMs)
        }
    }
}

/// Who holds a claim. The record stays when it is released, since the token in it must not be given again; see `ClaimSweep`.
public struct ClaimRecord: Equatable, Sendable {
    /// The host; nil: nobody.
    public var host: HostID?
    /// Which life of the host holds it.
    public var incarnation: Incarnation
    /// The token of who holds it, or held it last.
    public var token: UInt64
    /// Since when, by the wall clock of who wrote it. For people only.
    public var sinceMs: Int64
    /// The base of an epoch of which who wrote it knew that it had settled; 0: of none.
    public var settled: UInt64
    /// The host that has given it back and does not take it again for now, so that no other one waits for it.
    public var giver: HostID?
    /// The host that it was given back for: the others leave it to that one first.
    public var heir: HostID?

    /// A record.
    public init(
        host: HostID?, incarnation: Incarnation, token: UInt64, sinceMs: Int64, settled: UInt64, giver: HostID? = nil,
        heir: HostID? = nil
    ) {
        self.host = host
        self.incarnation = incarnation
        self.token = token
        self.sinceMs = sinceMs
        self.settled = settled
        self.giver = giver
        self.heir = heir
    }

    /// Reads one; nil for what is none, or is of a form that this host does not know.
    public init?(_ bytes: [UInt8]) {
        guard let fields = RecordFields(bytes), let holder = fields.text("host", most: 32),
            let incarnation = fields.text("incarnation", most: 16).flatMap({ Incarnation($0) }),
            let token = fields.number("token"), let since = fields.number("since_ms"),
            let settled = fields.number("settled")
        else { return nil }
        var host: HostID?
        if !holder.isEmpty {
            guard let id = HostID(holder) else { return nil }
            host = id
        }
        // These two are hints: what cannot be read of them is none.
        func hint(_ name: String) -> HostID? { fields.text(name, most: 32).flatMap { HostID($0) } }
        self.init(
            host: host, incarnation: incarnation, token: token, sinceMs: Int64(clamping: since), settled: settled,
            giver: hint("giver"), heir: hint("heir"))
    }

    /// As it is stored.
    public var bytes: [UInt8] {
        RecordFields.written { writer in
            writer.field("host", host?.description ?? "")
            writer.field("incarnation", incarnation.description)
            writer.field("token", token)
            writer.field("since_ms", UInt64(clamping: sinceMs))
            writer.field("settled", settled)
            if let giver { writer.field("giver", giver.description) }
            if let heir { writer.field("heir", heir.description) }
        }
    }
}

/// The greatest token of all claims whose records were removed: a claim without a record gets a greater one.
public struct TokensRecord: Equatable, Sendable {
    /// The token.
    public var largest: UInt64

    /// A record.
    public init(largest: UInt64) { self.largest = largest }

    /// Reads one; nil for what is none, or is of a form that this host does not know.
    public init?(_ bytes: [UInt8]) {
        guard let largest = RecordFields(bytes)?.number("largest") else { return nil }
        self.init(largest: largest)
    }

    /// As it is stored.
    public var bytes: [UInt8] { RecordFields.written { $0.field("largest", largest) } }
}

/// The fields of one record. Whatever the bytes are, nothing traps, and little is made of them.
///
/// A record is one flat object with a version of its form. Fields that are not known are passed over, so that a later host
/// may add some; a record of a later form is unreadable, as junk is. A field that is there twice makes it junk too: another
/// reader might take the other one.
struct RecordFields {
    /// Numbers above this are none: so sums never overflow, and programs that read numbers as doubles see the same.
    static let mostNumber: UInt64 = 1 << 53
    /// Records above so many bytes are none.
    static let mostBytes = 4096
    private static let form: UInt64 = 1
    private var values: [String: SessionRecord.Value] = [:]

    init?(_ bytes: [UInt8]) {
        guard bytes.count <= Self.mostBytes else { return nil }
        var values: [String: SessionRecord.Value] = [:]
        var cursor = JSONCursor(bytes, in: 0..<bytes.count)
        do throws(JSONFault) {
            try cursor.object { (cursor, name) throws(JSONFault) in
                guard values[name] == nil else { throw cursor.fault("each field once") }
                values[name] = try cursor.scalar() ?? .string("")
            }
            try cursor.finish()
        } catch {
            return nil
        }
        self.values = values
        guard number("form") == Self.form else { return nil }
    }

    static func written(_ fields: (inout JSONWriter) -> Void) -> [UInt8] {
        var writer = JSONWriter()
        writer.open()
        writer.field("form", form)
        fields(&writer)
        writer.close()
        return writer.bytes
    }

    func number(_ name: String) -> UInt64? {
        guard case .int(let value) = values[name], let number = UInt64(exactly: value), number <= Self.mostNumber else {
            return nil
        }
        return number
    }

    func text(_ name: String, most: Int) -> String? {
        guard case .string(let text) = values[name], text.utf8.count <= most else { return nil }
        return text
    }

    func truth(_ name: String) -> Bool? {
        switch text(name, most: 5) {
        case "true": true
        case "false": false
        default: nil
        }
    }
}

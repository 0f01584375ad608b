public import HostValues

/// A host's part in its cluster, and what it knows of the others.
public struct ClusterStatus: Equatable, Sendable {
    /// A host that takes part.
    public struct Member: Equatable, Sendable {
        /// Its id.
        public var id: String
        /// What people call it; empty if its record cannot be read.
        public var name: String
        /// Its program's version.
        public var version: String
        /// How much it takes.
        public var weight: UInt64
        /// How many claims it holds.
        public var leases: UInt64
        /// How long ago this host has seen its last sign of life, in ms.
        public var silentMs: Int64
        /// Whether it is this host.
        public var isOwn: Bool
        /// Whether it gives back what it has, and takes nothing.
        public var isDraining: Bool

        /// Creates a member.
        public init(
            id: String, name: String, version: String, weight: UInt64, leases: UInt64, silentMs: Int64, isOwn: Bool,
            isDraining: Bool = false
        ) {
            self.id = id
            self.name = name
            self.version = version
            self.weight = weight
            self.leases = leases
            self.silentMs = silentMs
            self.isOwn = isOwn
            self.isDraining = isDraining
        }
    }

    /// What one host at a time holds.
    public struct Claim: Equatable, Sendable {
        /// `plugin/routine`.
        public var id: String
        /// What people call the host that holds it; nil: nobody.
        public var holder: String?
        /// The token of who holds it, or held it last.
        public var token: UInt64?
        /// Whether it runs here.
        public var isHere: Bool

        /// Creates a claim.
        public init(id: String, holder: String?, token: UInt64?, isHere: Bool) {
            self.id = id
            self.holder = holder
            self.token = token
            self.isHere = isHere
        }
    }

    /// What has become of leases since the host's start.
    public struct Counts: Equatable, Sendable {
        /// Those that this host was given.
        public var taken: UInt64 = 0
        /// Those that it has given back.
        public var handedOver: UInt64 = 0
        /// Those that it has lost since the store did not answer, or did not take its record.
        public var lostInSilence: UInt64 = 0
        /// Those that it has lost since another host took them over.
        public var takenOver: UInt64 = 0
        /// Those that it has lost since their records or its own were gone.
        public var recordsGone: UInt64 = 0
        /// Those that it has taken over from hosts that were gone.
        public var takeovers: UInt64 = 0
        /// Of how many of these it is known how long nobody held them.
        public var timedTakeovers: UInt64 = 0
        /// How long that was in all, in ms.
        public var takeoverMs: UInt64 = 0
        /// How often the store was connected again.
        public var reconnects: UInt64 = 0

        /// Creates counts that are all 0.
        public init() {}
    }

    /// The cluster's name.
    public var name: String
    /// The plugin that is its store.
    public var store: String
    /// Why no lease can be held at present; nil if some can.
    public var trouble: String?
    /// How long this host's leases last, in ms, unless they are renewed; nil if it has none.
    public var validMs: Int64?
    /// How long leases are in the cluster, in ms.
    public var leaseMs: Int64 = 0
    /// How many leases this host holds, or has not given back yet.
    public var held: UInt64 = 0
    /// Whether a person wants this host to hold none.
    public var isDraining = false
    /// For how long nothing is taken yet, since the store may have lost something, in ms.
    public var settlingMs: Int64 = 0
    /// How far this host's clock is ahead of the store's, in ms; nil: that is not known, or the store has none.
    public var skewMs: Int64?
    /// What was asked of the store.
    public var storeUses: [StoreUse] = []
    /// What has become of leases.
    public var counts = Counts()
    /// The hosts, by id.
    public var members: [Member] = []
    /// The claims in which this host takes part.
    public var claims: [Claim] = []

    /// Creates the status of a host that knows nothing yet.
    public init(name: String, store: String, trouble: String?, validMs: Int64?) {
        self.name = name
        self.store = store
        self.trouble = trouble
        self.validMs = validMs
    }
}

extension ClusterStatus {
    /// Writes the fields of an object.
    public func write(to writer: inout JSONWriter) {
        writer.field("name", name)
        writer.field("store", store)
        writer.field("trouble", ifAny: trouble)
        if let validMs { writer.field("valid_ms", validMs) }
        writer.field("lease_ms", leaseMs)
        writer.field("held", held)
        writer.field("draining", isDraining)
        writer.field("settling_ms", settlingMs)
        if let skewMs { writer.field("clock_skew_ms", skewMs) }
        counts.write(to: &writer)
        writer.list("store_requests", of: storeUses) { $0.write(to: &$1) }
        writer.objects("hosts", of: members) { member, writer in
            writer.field("id", member.id)
            writer.field("name", member.name)
            writer.field("version", member.version)
            writer.field("weight", member.weight)
            writer.field("leases", member.leases)
            writer.field("silent_ms", member.silentMs)
            writer.field("own", member.isOwn)
            writer.field("draining", member.isDraining)
        }
        writer.objects("claims", of: claims) { claim, writer in
            writer.field("id", claim.id)
            writer.field("holder", ifAny: claim.holder)
            if let token = claim.token { writer.field("token", token) }
            writer.field("here", claim.isHere)
        }
    }

    /// Reads an object whose fields `write` wrote; unknown fields are skipped.
    init(from cursor: inout JSONCursor) throws(JSONFault) {
        var status = ClusterStatus(name: "", store: "", trouble: nil, validMs: nil)
        try cursor.object { (cursor, name) throws(JSONFault) in
            switch name {
            case "name": status.name = try cursor.string()
            case "store": status.store = try cursor.string()
            case "trouble": status.trouble = try cursor.string()
            case "valid_ms": status.validMs = try cursor.signed()
            case "lease_ms": status.leaseMs = try cursor.signed()
            case "held": status.held = try cursor.unsigned()
            case "draining": status.isDraining = try cursor.bool()
            case "settling_ms": status.settlingMs = try cursor.signed()
            case "clock_skew_ms": status.skewMs = try cursor.signed()
            case "store_requests":
                try cursor.list { (cursor) throws(JSONFault) in status.storeUses.append(try StoreUse(from: &cursor)) }
            case "counts": status.counts = try Counts(from: &cursor)
            case "hosts":
                try cursor.list { (cursor) throws(JSONFault) in status.members.append(try Member(from: &cursor)) }
            case "claims":
                try cursor.list { (cursor) throws(JSONFault) in status.claims.append(try Claim(from: &cursor)) }
            default: try cursor.skip()
            }
        }
        self = status
    }
}

extension ClusterStatus.Counts {
    fileprivate func write(to writer: inout JSONWriter) {
        writer.open("counts")
        writer.field("taken", taken)
        writer.field("handed_over", handedOver)
        writer.field("lost_in_silence", lostInSilence)
        writer.field("taken_over", takenOver)
        writer.field("records_gone", recordsGone)
        writer.field("takeovers", takeovers)
        writer.field("timed_takeovers", timedTakeovers)
        writer.field("takeover_ms", takeoverMs)
        writer.field("reconnects", reconnects)
        writer.close()
    }

    fileprivate init(from cursor: inout JSONCursor) throws(JSONFault) {
        var counts = Self()
        try cursor.object { (cursor, name) throws(JSONFault) in
            switch name {
            case "taken": counts.taken = try cursor.unsigned()
            case "handed_over": counts.handedOver = try cursor.unsigned()
            case "lost_in_silence": counts.lostInSilence = try cursor.unsigned()
            case "taken_over": counts.takenOver = try cursor.unsigned()
            case "records_gone": counts.recordsGone = try cursor.unsigned()
            case "takeovers": counts.takeovers = try cursor.unsigned()
            case "timed_takeovers": counts.timedTakeovers = try cursor.unsigned()
            case "takeover_ms": counts.takeoverMs = try cursor.unsigned()
            case "reconnects": counts.reconnects = try cursor.unsigned()
            default: try cursor.skip()
            }
        }
        self = counts
    }
}

extension ClusterStatus.Member {
    fileprivate init(from cursor: inout JSONCursor) throws(JSONFault) {
        var member = Self(id: "", name: "", version: "", weight: 0, leases: 0, silentMs: 0, isOwn: false)
        try cursor.object { (cursor, name) throws(JSONFault) in
            switch name {
            case "id": member.id = try cursor.string()
            case "name": member.name = try cursor.string()
            case "version": member.version = try cursor.string()
            case "weight": member.weight = try cursor.unsigned()
            case "leases": member.leases = try cursor.unsigned()
            case "silent_ms": member.silentMs = try cursor.signed()
            case "own": member.isOwn = try cursor.bool()
            case "draining": member.isDraining = try cursor.bool()
            default: try cursor.skip()
            }
        }
        self = member
    }
}

extension ClusterStatus.Claim {
    fileprivate init(from cursor: inout JSONCursor) throws(JSONFault) {
        var claim = Self(id: "", holder: nil, token: nil, isHere: false)
        try cursor.object { (cursor, name) throws(JSONFault) in
            switch name {
            case "id": claim.id = try cursor.string()
            case "holder": claim.holder = try cursor.string()
            case "token": claim.token = try cursor.unsigned()
            case "here": claim.isHere = try cursor.bool()
            default: try cursor.skip()
            }
        }
        self = claim
    }
}

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

        /// Creates a member.
        public init(
            id: String, name: String, version: String, weight: UInt64, leases: UInt64, silentMs: Int64, isOwn: Bool
        ) {
            self.id = id
            self.name = name
            self.version = version
            self.weight = weight
            self.leases = leases
            self.silentMs = silentMs
            self.isOwn = isOwn
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

    /// The cluster's name.
    public var name: String
    /// The plugin that is its store.
    public var store: String
    /// Why no lease can be held at present; nil if some can.
    public var trouble: String?
    /// How long this host's leases last, in ms, unless they are renewed; nil if it has none.
    public var validMs: Int64?
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
        writer.openList("hosts")
        for member in members {
            writer.open()
            writer.field("id", member.id)
            writer.field("name", member.name)
            writer.field("version", member.version)
            writer.field("weight", member.weight)
            writer.field("leases", member.leases)
            writer.field("silent_ms", member.silentMs)
            writer.field("own", member.isOwn)
            writer.close()
        }
        writer.closeList()
        writer.openList("claims")
        for claim in claims {
            writer.open()
            writer.field("id", claim.id)
            writer.field("holder", ifAny: claim.holder)
            if let token = claim.token { writer.field("token", token) }
            writer.field("here", claim.isHere)
            writer.close()
        }
        writer.closeList()
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

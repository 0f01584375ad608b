public import HostValues

/// What all hosts of a cluster run, as one of them has read it in their store.
public struct FleetStatus: Equatable, Sendable {
    /// What a host is about.
    public enum HostState: String, Sendable {
        case serving
        /// It gives back what it has, and takes nothing.
        case draining
        /// It stops.
        case leaving
        /// It has stopped in order.
        case left
        /// It has given no sign of life for half of a lease.
        case silent
        /// It has left without a word: it has died, or the store cannot be reached from there.
        case gone
    }

    /// A session that runs.
    public struct Session: Equatable, Sendable {
        /// `plugin/routine`, with the number of its part.
        public var routine: String
        /// The session's id.
        public var session: String
        /// When it began, in ms since 1970, UTC.
        public var startMs: Int64
        /// The token of its lease; nil if it has none.
        public var token: UInt64?

        /// Creates a session.
        public init(routine: String, session: String, startMs: Int64, token: UInt64?) {
            self.routine = routine
            self.session = session
            self.startMs = startMs
            self.token = token
        }
    }

    /// A host that is there, or was.
    public struct Host: Equatable, Sendable {
        /// Its id.
        public var id: String
        /// What people call it, with where its id begins if there are several of that name.
        public var name: String
        /// Whether it is the one that was asked.
        public var isOwn: Bool
        /// What it is about.
        public var state: HostState
        /// Since when, in ms since 1970, UTC, by its own clock; nil if it has not said. Of one that is gone: since when there
        /// is no word of it.
        public var sinceMs: Int64?
        /// How long ago the host that was asked has seen its last sign of life, in ms; nil: it is no member any more.
        public var silentMs: Int64?
        /// Its program's version.
        public var version: String
        /// How much it takes.
        public var weight: UInt64
        /// How many claims it holds.
        public var leases: UInt64
        /// How many routines it has.
        public var routines: UInt64
        /// How many of them are in a session.
        public var running: UInt64
        /// How many of them are shut out.
        public var quarantined: UInt64
        /// When it started, in ms since 1970, UTC; nil if it has not said.
        public var startMs: Int64?
        /// How far its clock is ahead of the store's, in ms; nil: unknown.
        public var skewMs: Int64?
        /// Some of the sessions that run there.
        public var sessions: [Session] = []

        /// Creates a host of which little is known.
        public init(id: String, name: String, isOwn: Bool, state: HostState) {
            self.id = id
            self.name = name
            self.isOwn = isOwn
            self.state = state
            version = ""
            weight = 0
            leases = 0
            routines = 0
            running = 0
            quarantined = 0
        }
    }

    /// What one host at a time holds.
    public struct Claim: Equatable, Sendable {
        /// `plugin/routine`, with the number of its part.
        public var id: String
        /// The id of the host that holds it; nil: nobody.
        public var holder: String?
        /// The token of who holds it, or held it last.
        public var token: UInt64
        /// Since when, in ms since 1970, UTC, by the holder's clock.
        public var sinceMs: Int64
        /// For how long it is the holder's at most, in ms, unless it is renewed; nil: that is not known, or nobody holds it.
        public var leftMs: Int64?

        /// Creates a claim.
        public init(id: String, holder: String?, token: UInt64, sinceMs: Int64, leftMs: Int64?) {
            self.id = id
            self.holder = holder
            self.token = token
            self.sinceMs = sinceMs
            self.leftMs = leftMs
        }
    }

    /// The cluster's name.
    public var name: String
    /// The plugin that is its store.
    public var store: String
    /// Why this is not as it is now; nil if it is.
    public var trouble: String?
    /// How long ago it was read in the store, in ms; nil: never yet.
    public var ageMs: Int64?
    /// Which history of the store it is.
    public var epoch: UInt64?
    /// How long leases are in the cluster, in ms.
    public var leaseMs: Int64
    /// The hosts, by name.
    public var hosts: [Host] = []
    /// The claims, by name.
    public var claims: [Claim] = []
    /// The newest sessions, oldest first, each with its host's id.
    public var records: [SessionRecord] = []
    /// How many entries of the store could not be read.
    public var unreadable: UInt64 = 0
    /// Whether there is more in the store than this.
    public var isCut = false

    /// Creates the status of a cluster of which nothing is known yet.
    public init(name: String, store: String, leaseMs: Int64) {
        self.name = name
        self.store = store
        self.leaseMs = leaseMs
    }
}

/// The answer to a request for the fleet.
public enum FleetAnswer: Equatable, Sendable {
    /// The store is being read; whoever asks again for this number gets what was found.
    case reading(UInt64)
    case status(FleetStatus)
}

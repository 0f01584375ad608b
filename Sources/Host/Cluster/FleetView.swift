public import HostValues

/// What the store has of all hosts of a cluster, as it was read at some moment, and checked. Nothing is decided by it.
public struct FleetView: Equatable, Sendable {
    /// A host that is there, or was.
    public struct Host: Equatable, Sendable {
        /// Its record as a member; nil: it is none, or the record cannot be read.
        public var member: HostRecord?
        /// Whether it has a record as a member.
        public var isMember = false
        /// What it said last of itself; nil: nothing that can be read.
        public var report: HostReport?
    }

    /// The most hosts, claims, and bytes of records that one has.
    static let mostHosts = 128
    static let mostClaims = 2000
    static let mostRecordBytes = 4 << 20

    /// When it was read: before the store was asked.
    public var readAt: BootTime
    /// Which history of the store it is; nil: there is no record that can be read.
    public var epoch: EpochRecord?
    /// The hosts, by id.
    public var hosts: [HostID: Host] = [:]
    /// The claims.
    public var claims: [ClaimName: ClaimRecord] = [:]
    /// The newest sessions of each host, each with the host's id.
    public var records: [SessionRecord] = []
    /// How many entries could not be read.
    public var unreadable = 0
    /// Whether there is more than this.
    public var isCut = false
}

/// Reads what the store has of all hosts: first the hosts and the claims, then the records of one host after the other, so that
/// each answer is short.
///
/// Pure. A reading begins when somebody wants it.
public struct FleetReader: Sendable {
    private enum State: Sendable {
        case idle
        /// Hosts and claims are read.
        case hosts(FleetView)
        /// The records of the first one of these are read.
        case records(FleetView, of: [HostID], bytes: Int)
    }

    private var state = State.idle
    /// What was read last; nil: nothing yet.
    public private(set) var view: FleetView?
    /// How many readings are over.
    public private(set) var rounds: UInt64 = 0
    /// Whether the last one was in vain.
    public private(set) var hasFailed = false

    /// A reader that has read nothing.
    public init() {}

    /// Whether a reading is in progress.
    public var isReading: Bool {
        switch state {
        case .idle: false
        case .hosts, .records: true
        }
    }

    /// Begins a reading; nil if one is in progress.
    public mutating func begin(at now: BootTime) -> StoreRequest? {
        guard !isReading else { return nil }
        state = .hosts(FleetView(readAt: now))
        return StoreRequest(
            reads: [ClusterKey.epoch], lists: [ClusterKey.hosts, ClusterKey.reports, ClusterKey.claims])
    }

    /// Ends a reading in vain, if one is in progress.
    public mutating func abandon() {
        guard isReading else { return }
        state = .idle
        hasFailed = true
        rounds += 1
    }

    /// The store has answered; what to ask next. Nil: the reading is over.
    public mutating func answered(_ answer: StoreAnswer) -> StoreRequest? {
        guard let found = answer.found else {
            abandon()
            return nil
        }
        switch state {
        case .idle: return nil
        case .hosts(var view):
            view.isCut = answer.cut != nil
            for entry in found { view.take(entry) }
            return read(view, of: view.hosts.filter { $0.value.report != nil }.keys.sorted(), bytes: 0)
        case .records(var view, let hosts, var bytes):
            view.isCut = view.isCut || answer.cut != nil
            if let host = hosts.first { view.take(found, of: host, &bytes) }
            return read(view, of: Array(hosts.dropFirst()), bytes: bytes)
        }
    }

    private mutating func read(_ view: FleetView, of hosts: [HostID], bytes: Int) -> StoreRequest? {
        guard let next = hosts.first else {
            state = .idle
            self.view = view
            hasFailed = false
            rounds += 1
            return nil
        }
        state = .records(view, of: hosts, bytes: bytes)
        return StoreRequest(lists: [ClusterKey.records(of: next)])
    }
}

extension FleetView {
    /// Takes what is no session's record.
    fileprivate mutating func take(_ entry: StoreAnswer.Entry) {
        if entry.key == ClusterKey.epoch {
            epoch = EpochRecord(entry.value)
            if epoch == nil { unreadable += 1 }
        } else if let id = ClusterKey.host(in: entry.key) {
            guard hosts[id] != nil || hosts.count < Self.mostHosts else { return isCut = true }
            let member = HostRecord(entry.value)
            if member == nil { unreadable += 1 }
            hosts[id, default: Host()].member = member
            hosts[id]?.isMember = true
        } else if let id = ClusterKey.reporter(in: entry.key) {
            guard hosts[id] != nil || hosts.count < Self.mostHosts else { return isCut = true }
            guard let report = HostReport(entry.value) else { return unreadable += 1 }
            hosts[id, default: Host()].report = report
        } else if let name = ClusterKey.claim(in: entry.key) {
            guard claims.count < Self.mostClaims else { return isCut = true }
            guard let claim = ClaimRecord(entry.value) else { return unreadable += 1 }
            claims[name] = claim
        } else {
            unreadable += 1
        }
    }

    /// Takes records of that host.
    fileprivate mutating func take(_ found: [StoreAnswer.Entry], of host: HostID, _ bytes: inout Int) {
        var stored: [StoredRecord] = []
        for entry in found.prefix(FleetReporter.slots) {
            guard let one = StoredRecord(entry.value) else {
                unreadable += 1
                continue
            }
            bytes += entry.value.count
            guard bytes <= Self.mostRecordBytes else {
                isCut = true
                break
            }
            stored.append(one)
        }
        if found.count > FleetReporter.slots { isCut = true }
        for one in stored.sorted(by: { $0.number < $1.number }) {
            var record = one.record
            record.hostID = host.description  // whatever it says itself
            records.append(record)
        }
    }
}

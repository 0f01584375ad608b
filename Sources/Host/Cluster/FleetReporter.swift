public import HostValues

/// What a host writes into the store for people on other hosts: its report, and the records of its newest sessions.
///
/// Pure. One request at a time, which is as small as it can be: the report each 10 s, at once when the host is about something
/// else, and within a second when it has taken or given back a lease; and of the records at most 16 a second. There are `slots`
/// places for records, and a new one takes the place of the oldest: so a host leaves as much in the store and no more, however
/// many sessions it has had. On each connection it reads which of its records the store has, and writes those of the newest
/// that are missing, also those of its earlier lives.
public struct FleetReporter: Sendable {
    /// How many records the store has of a host.
    public static let slots = 64
    /// From one report to the next, in ns.
    static let interval: Int64 = 10_000_000_000
    /// From one write of records to the next, in ns; and how many of them it has.
    static let pace: Int64 = 1_000_000_000
    static let batch = 16
    /// How long to wait after what was not done, in ns.
    static let backOff: Int64 = 2_000_000_000
    /// How long the store keeps reports and records, in ms: 30 days.
    static let keepMs: UInt64 = 30 * 86_400_000

    private enum State: Equatable, Sendable {
        /// The store cannot be asked.
        case away
        /// What the store has of this host is to be read.
        case unread
        case reading
        case ready
        case writing(sessions: [SessionID], hasReport: Bool)
    }

    private let id: HostID
    private var state = State.away
    /// The newest records, oldest first, and which of them are not in the store yet.
    private var recent: [SessionRecord]
    private var unsent: Set<SessionID> = []
    private var nextNumber: UInt64 = 0
    private var reportAt = BootTime.longAgo
    private var recordsAt = BootTime.longAgo
    private var notBefore = BootTime.longAgo
    private var hurries = false
    /// Why the store does not take what this host would write; nil: it does.
    public private(set) var refusal: String?

    /// The reporter of that host, which has had these sessions, oldest first.
    public init(_ id: HostID, recent: [SessionRecord]) {
        self.id = id
        self.recent = Array(recent.suffix(Self.slots))
    }

    /// The store can be asked, maybe one that has lost something.
    public mutating func connected() {
        state = .unread
        reportAt = .longAgo
        notBefore = .longAgo
    }

    /// The store cannot be asked any more. What was asked may have been done.
    public mutating func disconnected() { state = .away }

    /// A session has ended.
    public mutating func add(_ record: SessionRecord) {
        recent.append(record)
        unsent.insert(record.session)
        while recent.count > Self.slots { unsent.remove(recent.removeFirst().session) }
    }

    /// The report says something else from now on.
    public mutating func reportAtOnce() { reportAt = .longAgo }

    /// The same, and it may change again in a moment: it is written within a second.
    public mutating func reportSoon(at now: BootTime) { reportAt = min(reportAt, now + Self.pace) }

    /// All that is to be written is written at once from now on, since the host ends.
    public mutating func hurry() {
        hurries = true
        reportAt = .longAgo
    }

    /// Whether the store has all, or cannot be asked.
    public var isDone: Bool {
        switch state {
        case .away: true
        case .unread, .reading, .writing: false
        case .ready: unsent.isEmpty && reportAt > .longAgo
        }
    }

    /// When `next` has something to ask; `never` while an answer is awaited.
    public var nextDeadline: BootTime {
        switch state {
        case .away, .reading, .writing: .never
        case .unread: notBefore
        case .ready: max(notBefore, min(reportAt, unsent.isEmpty ? .never : hurries ? .longAgo : recordsAt))
        }
    }

    /// What to ask of the store now, if anything; `answered` is to be told what came of it.
    public mutating func next(at now: BootTime, report: () -> HostReport) -> StoreRequest? {
        guard now >= nextDeadline else { return nil }
        if state == .unread {
            state = .reading
            return StoreRequest(lists: [ClusterKey.records(of: id)])
        }
        var request = StoreRequest()
        let hasReport = now >= reportAt
        if hasReport {
            request.puts.append(.init(ClusterKey.report(id), report().bytes, keepMs: Self.keepMs))
            // Here and not when it is written: what changes until then is for the next one.
            reportAt = now + Self.interval
        }
        var sessions: [SessionID] = []
        if now >= recordsAt || hurries {
            for record in recent.filter({ unsent.contains($0.session) }).prefix(Self.batch) {
                let stored = StoredRecord(number: nextNumber + UInt64(sessions.count), record: record)
                let key = ClusterKey.record(id, slot: stored.number % UInt64(Self.slots))
                request.puts.append(.init(key, stored.bytes, keepMs: Self.keepMs))
                sessions.append(record.session)
            }
        }
        state = .writing(sessions: sessions, hasReport: hasReport)
        return request
    }

    /// The store has answered what `next` asked.
    public mutating func answered(_ answer: StoreAnswer, at now: BootTime) {
        switch state {
        case .away, .unread, .ready: break
        case .reading:
            state = .unread
            guard let found = answer.found, answer.cut == nil else { return notBefore = now + Self.backOff }
            state = .ready
            take(found)
        case .writing(let sessions, let hasReport):
            state = .ready
            switch answer.outcome {
            case .done:
                refusal = nil
                unsent.subtract(sessions)
                nextNumber += UInt64(sessions.count)
                if !sessions.isEmpty { recordsAt = now + Self.pace }
                return
            // The same again, into the same places.
            case .changed, .unknown: notBefore = now + Self.backOff
            case .refused(let text):
                refusal = text
                notBefore = now + Self.interval
            }
            if hasReport { reportAt = .longAgo }
        }
    }

    private mutating func take(_ found: [StoreAnswer.Entry]) {
        let stored = found.compactMap { StoredRecord($0.value) }
        let known = Set(stored.map(\.record.session))
        unsent = Set(recent.map(\.session)).subtracting(known)
        nextNumber = (stored.map(\.number).max() ?? 0) + 1
    }
}

internal import HostValues

/// A host's talk with its store: the link, the one request that is on its way, when the next one may be, and whether what
/// was read last can be relied on.
///
/// Pure. What is asked, and what follows from an answer, is `ClusterMember`'s.
struct StoreTalk: Sendable {
    private(set) var link: StoreLink?
    private(set) var pending: PendingRequest?
    /// All was read on this link, and nothing has come since that leaves a doubt.
    private(set) var isFresh = false
    /// Nothing is asked before.
    private(set) var notBefore = BootTime.longAgo
    private var lastID: UInt64 = 0
    /// Somebody has changed something.
    private var isHinted = false
    /// When all was read last for its own sake.
    private var surveyedAt = BootTime.longAgo

    // MARK: The link

    mutating func linked(_ new: StoreLink) {
        abandon()
        link = new
        notBefore = .longAgo
    }

    mutating func unlinked() {
        abandon()
        link = nil
    }

    /// Whether what was asked is done nobody knows: all is read again.
    mutating func abandon() {
        pending = nil
        isFresh = false
    }

    // MARK: Requests

    /// A request is made; its number. `length`: how long leases are on the terms of which it is made.
    mutating func ask(_ request: StoreRequest, for purpose: PendingRequest.Purpose, length: Int64, at now: BootTime)
        -> UInt64
    {
        lastID += 1
        pending = PendingRequest(id: lastID, purpose: purpose, request: request, asked: now, length: length)
        switch purpose {
        case .survey:
            isHinted = false
            surveyedAt = now
        case .renewal: isHinted = false
        case .epoch, .take, .release, .bury, .sweep, .leave: break
        }
        return lastID
    }

    /// The request of that number is answered; nil: nobody waits for that.
    mutating func answered(_ id: UInt64) -> PendingRequest? {
        guard let asked = pending, asked.id == id else { return nil }
        pending = nil
        return asked
    }

    /// Nothing more is expected, though it may come.
    mutating func stop() { pending = nil }

    mutating func rest(until time: BootTime) { notBefore = max(notBefore, time) }

    /// All was read.
    mutating func refreshed() { isFresh = true }

    /// What is known may not be so any more.
    mutating func doubt() { isFresh = false }

    // MARK: Hints

    mutating func hinted() { isHinted = true }

    /// When all is to be read since somebody has changed something; nil: nobody has. Not more often than each `pause`.
    func survey(pause: Int64) -> BootTime? { isHinted ? surveyedAt + pause : nil }
}

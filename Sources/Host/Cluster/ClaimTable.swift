internal import HostValues

/// How a claim is to be placed.
public struct ClaimWish: Equatable, Sendable {
    /// Whether it is one of many that are to be spread over the hosts.
    public var isSpread: Bool
    /// Whether it moves to the host that is the first for it, when that has been there for a while.
    public var moves: Bool

    /// A wish.
    public init(isSpread: Bool = false, moves: Bool = false) {
        self.isSpread = isSpread
        self.moves = moves
    }
}

/// The claims that a host takes part in, held or not.
struct ClaimTable: Sendable {
    struct Row: Sendable {
        let name: ClaimName
        var wish: ClaimWish
        fileprivate(set) var machine = ClaimMachine()
        /// Since when it looks free; `never`: it does not.
        fileprivate(set) var freeSince = BootTime.never
        /// Since when another host is the first for it, and which one.
        fileprivate var better: (host: HostID, since: BootTime)?
        /// The host that it was given up for: that one did not take it, if this host has it again and nobody had it meanwhile.
        fileprivate var offered: Offer?
        /// The host that is to have it when it is given back.
        fileprivate(set) var heir: HostID?
        /// It goes from the table when it is held no more.
        var isDropped = false
    }

    /// A claim was given up for a host, in that life of it. Whether it did not take the claim since it does not want it, or since
    /// it did not hear of that in time, nobody knows: so it is offered again, and each time after a longer pause, since each
    /// time a session ends.
    fileprivate struct Offer {
        private static let firstPause: Int64 = 30
        private static let longestPause: Int64 = 3000

        let host: HostID
        let life: Incarnation?
        /// How long it is not offered again, in leases, and until when.
        private let pause: Int64
        let until: BootTime

        init(_ host: HostID, _ life: Incarnation?, after former: Offer?, length: Int64, at now: BootTime) {
            self.host = host
            self.life = life
            pause = min(former.map { $0.pause * 4 } ?? Self.firstPause, Self.longestPause)
            until = now + length.clampedTimes(pause)
        }
    }

    private var rows: [String: Row] = [:]
    /// All keys, in order.
    private(set) var keys: [String] = []
    /// Those of claims that this host holds or is about to, and of those that it may take: each request looks at these only.
    private(set) var heldKeys: [String] = []
    private(set) var standbyKeys: [String] = []
    /// When the machine of a row has a deadline; most have none.
    private var deadlines: [String: BootTime] = [:]
    /// How many of those that this host holds are spread ones.
    private var heldSpread = 0
    private var spread = 0
    private var moving = 0
    /// Of how many claims sessions may live.
    private var alive = 0
    /// When one was given up last because another host is the better one.
    private var movedAt = BootTime.longAgo
    /// When `leaving` is to be asked again, since time alone may change its answer.
    private(set) var nextMove = BootTime.never

    var names: [ClaimName] { keys.compactMap { rows[$0]?.name } }
    var count: Int { keys.count }
    /// How many this host holds or is about to.
    var held: Int { heldKeys.count }
    /// Those that may be this host's to be given back: what it holds, and what it does not take for a while. A host that takes
    /// nothing looks at all.
    func keysToGiveBack(isIdle: Bool) -> [String] { isIdle ? keys : heldKeys + deadlines.keys.sorted() }

    /// Whether any session may live.
    var hasSessions: Bool { alive > 0 }

    /// Whether something of it is in the store that is not to stay.
    var isBusy: Bool { !heldKeys.isEmpty }

    var nextDeadline: BootTime { deadlines.values.min() ?? .never }

    subscript(key: String) -> Row? { rows[key] }

    func contains(_ key: String) -> Bool { rows[key] != nil }

    func due(at now: BootTime) -> [ClaimName] {
        deadlines.filter { $0.value <= now }.keys.sorted().compactMap { rows[$0]?.name }
    }

    /// It is not free. Whoever it was given up for may have it again: what is known of that host is out of date.
    mutating func isTaken(_ key: String) {
        rows[key]?.freeSince = .never
        rows[key]?.offered = nil
    }

    /// A name for which there is no key is not taken.
    mutating func want(_ name: ClaimName, _ wish: ClaimWish) {
        guard let key = ClusterKey.claim(name) else { return }
        var row = rows[key] ?? Row(name: name, wish: wish)
        row.wish = wish
        row.isDropped = false
        replace(key, by: row)
    }

    /// Replaces a row, and keeps sums and lists of keys up with that; nil: it goes.
    private mutating func replace(_ key: String, by row: Row?) {
        let old = rows[key]
        rows[key] = row
        deadlines[key] = row?.machine.nextDeadline
        list(key, in: \.keys, old != nil, row != nil)
        list(key, in: \.heldKeys, old?.machine.token != nil, row?.machine.token != nil)
        list(key, in: \.standbyKeys, old?.machine.state == .standby, row?.machine.state == .standby)
        if let old { count(old, -1) }
        if let row { count(row, 1) }
    }

    private mutating func count(_ row: Row, _ step: Int) {
        if row.machine.hasSessions { alive += step }
        if row.wish.moves { moving += step }
        guard row.wish.isSpread else { return }
        spread += step
        if row.machine.token != nil { heldSpread += step }
    }

    /// Keeps a key in an ordered list, or out of it.
    private mutating func list(_ key: String, in path: WritableKeyPath<Self, [String]>, _ was: Bool, _ isIn: Bool) {
        guard was != isIn else { return }
        var (low, high) = (0, self[keyPath: path].count)
        while low < high {
            let middle = (low + high) / 2
            if self[keyPath: path][middle] < key { low = middle + 1 } else { high = middle }
        }
        if was { self[keyPath: path].remove(at: low) } else { self[keyPath: path].insert(key, at: low) }
    }

    /// `heir`: who is to have it, if this event gives it up.
    mutating func handle(
        _ name: ClaimName, _ event: ClaimMachine.Event, at now: BootTime, isDropped: Bool, heir: HostID?
    ) -> [ClaimMachine.Action] {
        guard let key = ClusterKey.claim(name), let old = rows[key] else { return [] }
        var row = old
        let actions = row.machine.handle(event, at: now)
        row.freeSince = .never
        if let heir { row.heir = heir }
        if row.machine.token == nil { row.heir = nil }
        // Whoever is the better host has to be so for as long as this one has it.
        switch row.machine.state {
        case .running: break
        case .standby, .barred, .taking, .quitting, .ending, .lost, .releasing: row.better = nil
        }
        if isDropped { row.isDropped = true }
        let isOver = row.isDropped && row.machine.token == nil && !row.machine.hasSessions
        replace(key, by: isOver ? nil : row)
        return actions
    }

    // MARK: Placement

    /// When a claim that is free may be taken by this host: at once by who is to have it or is the first for it, later by
    /// others, and later still by one who has its share. Nil when this host takes nothing.
    mutating func turn(
        for key: String, of id: HostID, among candidates: [Placement.Candidate], after record: ClaimRecord?,
        length: Int64, at now: BootTime
    ) -> BootTime? {
        guard var row = rows[key] else { return nil }
        // Who has just given it back does not take it: nobody waits for that one.
        let others = candidates.filter { $0.host == id || $0.host != record?.giver }
        guard let rank = Placement.rank(of: id, for: key, among: others) else { return nil }
        if row.freeSince == .never {
            row.freeSince = now
            rows[key] = row
        }
        if record?.heir == id { return row.freeSince }
        let hasHeir = others.contains { $0.host == record?.heir && $0.weight > 0 }
        let steps = min(rank, 1000) + (hasHeir ? Self.stepsForHeir : 0)
        let isOver = row.wish.isSpread && heldSpread >= share(of: id, among: others)
        return row.freeSince + Int64(steps) * (length / 6) + (isOver ? length : 0)
    }

    /// So many sixths of a lease all others leave a claim to the host that is to have it.
    private static let stepsForHeir = 3

    private func share(of id: HostID, among candidates: [Placement.Candidate]) -> Int {
        let total = candidates.reduce(0) { $0 + $1.weight }
        let own = candidates.first { $0.host == id }?.weight ?? 0
        return Placement.most(weight: own, of: total, claims: spread)
    }

    /// A claim that is to go to another host now, and to which, since that one has been the first for it for three leases
    /// and has not its share of the spread ones yet; one a second.
    mutating func leaving(
        from id: HostID, among candidates: [Placement.Candidate], _ view: ClusterView, length: Int64, at now: BootTime
    ) -> (name: ClaimName, to: HostID)? {
        nextMove = .never
        guard moving > 0 else { return nil }
        let full = fullHosts(but: id, among: candidates, view)
        for key in keys {
            guard var row = rows[key], row.wish.moves, case .running = row.machine.state else { continue }
            let able = row.wish.isSpread ? candidates.filter { !full.contains($0.host) } : candidates
            let first = Placement.first(for: key, among: able)
            // A host that has begun anew may want what it did not take before.
            let life = first.flatMap { view.hosts[ClusterKey.host($0)]?.record?.incarnation }
            guard let first, first != id else {
                if row.better != nil { rows[key]?.better = nil }
                continue
            }
            let since = row.better.flatMap { $0.host == first ? $0.since : nil } ?? now
            row.better = (first, since)
            let former = row.offered.flatMap { $0.host == first && $0.life == life ? $0 : nil }
            let due = max(max(since + length * 3, movedAt + 1_000_000_000), former?.until ?? .longAgo)
            if now >= due {
                row.better = nil
                row.offered = Offer(first, life, after: former, length: length, at: now)
                movedAt = now
            }
            rows[key] = row
            if now >= due { return (row.name, first) }
            nextMove = min(nextMove, due)
        }
        return nil
    }

    /// The other hosts that hold as many spread claims as they should.
    private func fullHosts(but id: HostID, among candidates: [Placement.Candidate], _ view: ClusterView) -> Set<HostID>
    {
        guard spread > 0 else { return [] }
        var holdings: [HostID: Int] = [:]
        for (key, row) in rows where row.wish.isSpread {
            if let holder = view.claims[key]?.record?.host { holdings[holder, default: 0] += 1 }
        }
        return Set(
            holdings.compactMap { host, count in
                host != id && count >= share(of: host, among: candidates) ? host : nil
            })
    }
}

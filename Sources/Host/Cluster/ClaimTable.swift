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
        var machine = ClaimMachine()
        /// Since when it looks free; `never`: it does not.
        var freeSince = BootTime.never
        /// Since when another host is the first for it, and which one.
        var better: (host: HostID, since: BootTime)?
        /// The host that it was given up for: that one did not take it, if this host has it again.
        var offered: HostID?
        /// It goes from the table when it is held no more.
        var isDropped = false
    }

    private let length: Int64
    private var rows: [String: Row] = [:]
    /// All keys, in order.
    private(set) var keys: [String] = []
    /// When one was given up last because another host is the better one.
    private var movedAt = BootTime.longAgo

    init(length: Int64) { self.length = length }

    var names: [ClaimName] { keys.compactMap { rows[$0]?.name } }
    var count: Int { keys.count }

    /// How many this host holds or is about to.
    var held: Int { rows.values.count { $0.machine.token != nil } }

    /// Whether any session may live.
    var hasSessions: Bool { rows.values.contains { $0.machine.hasSessions } }

    /// Whether something of it is in the store that is not to stay.
    var isBusy: Bool { rows.values.contains { $0.machine.token != nil } }

    var nextDeadline: BootTime { rows.values.reduce(.never) { min($0, $1.machine.nextDeadline ?? .never) } }

    subscript(key: String) -> Row? {
        get { rows[key] }
        set { rows[key] = newValue }
    }

    func contains(_ key: String) -> Bool { rows[key] != nil }

    func due(at now: BootTime) -> [ClaimName] {
        keys.compactMap { key in
            rows[key].flatMap { row in row.machine.nextDeadline.map { $0 <= now } == true ? row.name : nil }
        }
    }

    /// A name for which there is no key is not taken.
    mutating func want(_ name: ClaimName, _ wish: ClaimWish) {
        guard let key = ClusterKey.claim(name) else { return }
        if rows[key] == nil {
            rows[key] = Row(name: name, wish: wish)
            keys.insert(key, at: keys.firstIndex { $0 > key } ?? keys.endIndex)
        }
        rows[key]?.wish = wish
        rows[key]?.isDropped = false
    }

    mutating func handle(_ name: ClaimName, _ event: ClaimMachine.Event, at now: BootTime, isDropped: Bool)
        -> [ClaimMachine.Action]
    {
        guard let key = ClusterKey.claim(name), var row = rows[key] else { return [] }
        let actions = row.machine.handle(event, at: now)
        row.freeSince = .never
        if isDropped { row.isDropped = true }
        rows[key] = row
        forget(key)
        return actions
    }

    /// Takes a row out that was dropped, when nothing of it is left.
    private mutating func forget(_ key: String) {
        guard let row = rows[key], row.isDropped, row.machine.token == nil, !row.machine.hasSessions else { return }
        rows[key] = nil
        keys.removeAll { $0 == key }
    }

    // MARK: Placement

    /// When a claim that is free may be taken by this host: at once by the first for it, later by others, and later still
    /// by one who has its share. Nil when this host takes nothing.
    mutating func turn(
        for key: String, of id: HostID, among candidates: [Placement.Candidate], at now: BootTime
    ) -> BootTime? {
        guard var row = rows[key], let rank = Placement.rank(of: id, for: key, among: candidates) else { return nil }
        if row.freeSince == .never {
            row.freeSince = now
            rows[key] = row
        }
        let isOver = row.wish.isSpread && spread >= share(of: id, among: candidates)
        return row.freeSince + Int64(min(rank, 1000)) * (length / 6) + (isOver ? length : 0)
    }

    /// How many of the spread ones this host holds.
    private var spread: Int { rows.values.count { $0.wish.isSpread && $0.machine.token != nil } }

    private func share(of id: HostID, among candidates: [Placement.Candidate]) -> Int {
        let total = candidates.reduce(0) { $0 + $1.weight }
        let own = candidates.first { $0.host == id }?.weight ?? 0
        return Placement.most(weight: own, of: total, claims: rows.values.count { $0.wish.isSpread })
    }

    /// A claim that is to go to another host now, since that has been the first for it for three leases; one a second.
    mutating func leaving(from id: HostID, among candidates: [Placement.Candidate], at now: BootTime) -> ClaimName? {
        for key in keys {
            guard var row = rows[key], row.wish.moves, case .running = row.machine.state else { continue }
            guard let first = Placement.first(for: key, among: candidates), first != id, first != row.offered else {
                if row.better != nil { rows[key]?.better = nil }
                continue
            }
            if row.better?.host != first { row.better = (first, now) }
            let isTime = row.better.map { now >= $0.since + length * 3 } == true && now >= movedAt + 1_000_000_000
            if isTime {
                row.better = nil
                row.offered = first
                movedAt = now
            }
            rows[key] = row
            if isTime { return row.name }
        }
        return nil
    }
}

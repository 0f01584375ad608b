public import HostSystem
public import HostValues

/// The newest sessions of each routine, for routines that ask for their own. Pure.
///
/// It is made when the first one asks, out of the newest part of the record files, and from then on knows each record that is
/// kept. So nobody pays for it where no routine asks, and no file is read for the second one. Its size is bounded: of many
/// routines those go whose sessions ended first.
public struct EndedSessions: Sendable {
    /// The largest number of sessions of all routines together.
    public static let most = 20_000
    /// The number of bytes of the record files that it is made of.
    public static let searched = 1 << 20

    private let most: Int
    private var sessions: [String: [EndedSession]] = [:]
    /// The routine of each session, oldest first; some of them may have gone.
    private var order: [String] = []
    private var first = 0
    private var count = 0

    /// Makes it of records, oldest first.
    public init(_ records: [SessionRecord], most: Int = Self.most) {
        self.most = max(1, most)
        for record in records { add(record) }
    }

    /// Adds the next record. That of a failed load is none of a session.
    public mutating func add(_ record: SessionRecord) {
        if record.reason.phase == Phase.load.word { return }
        let identifier = record.identifier
        // A record may be known already, from a file that was read while it was written.
        if sessions[identifier]?.contains(where: { $0.session == record.session }) == true { return }
        sessions[identifier, default: []].append(EndedSession(record))
        order.append(identifier)
        count += 1
        if (sessions[identifier]?.count ?? 0) > EndedSession.most { drop(identifier) }
        while count > most, first < order.count {
            drop(order[first])
            first += 1
        }
        // Those of routines that have their most are dropped apart from the order.
        if order.count > 2 * most { compact() }
    }

    private mutating func drop(_ identifier: String) {
        guard var list = sessions[identifier], !list.isEmpty else { return }
        list.removeFirst()
        count -= 1
        sessions[identifier] = list.isEmpty ? nil : list
    }

    private mutating func compact() {
        // Of each routine as many of the newest places stay as it has sessions.
        var left = sessions.mapValues(\.count)
        var kept: [String] = []
        for identifier in order[first...].reversed() {
            guard let rest = left[identifier], rest > 0 else { continue }
            left[identifier] = rest - 1
            kept.append(identifier)
        }
        order = kept.reversed()
        first = 0
    }

    /// The newest sessions of `plugin/routine`, the newest first.
    public func newest(of identifier: String) -> [EndedSession] { (sessions[identifier] ?? []).reversed() }

    /// The records in the newest part of a state directory's files, oldest first.
    public static func records(in state: borrowing Directory, searched: Int = Self.searched) -> [SessionRecord] {
        var rest = searched
        var found: [SessionRecord] = []
        do throws(SystemError) {
            try SessionFiles.lines(state, order: .newestFirst) { bytes, range, _ in
                rest -= range.count
                guard rest >= 0 else { return false }
                if let record = try? SessionRecord(bytes, in: range) { found.append(record) }
                return true
            }
        } catch {
            // What cannot be read is not told.
        }
        return found.reversed()
    }
}

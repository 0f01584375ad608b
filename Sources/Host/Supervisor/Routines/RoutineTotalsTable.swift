internal import HostSystem
internal import HostValues

/// The totals of ended sessions, by `plugin/routine`.
///
/// They outlive a routine, so that its counters go on when its file comes back. But a build that drops its plugins under ever
/// new names would fill the memory in months, so of the routines that are gone only some are kept: those that went last. A
/// routine that is back by then goes on counting; one that was forgotten begins at 0, as after a start of the host, and what
/// the records say of it stays.
struct RoutineTotalsTable {
    /// The most routines that are gone and have totals.
    private let most: Int
    /// What has been gone for a shorter time is kept in any case, in ns: while plugins are replaced, all of their routines are
    /// gone for a moment.
    static let patience: Int64 = 60_000_000_000

    private struct Departure {
        let identifier: String
        let number: UInt64
        let time: MonotonicTime
    }

    private var totals: [String: RoutineTotals] = [:]
    /// The routines that are gone, each with the number of its departure.
    private var gone: [String: UInt64] = [:]
    /// The departures in their order, from `first` on. Those of routines that came back or went again are void.
    private var departures: [Departure] = []
    private var first = 0
    private var last: UInt64 = 0

    /// Makes an empty table. The usual bound is some 10 MB.
    init(most: Int = 10_000) { self.most = most }

    /// How many routines have totals.
    var count: Int { totals.count }
    /// How many departures are remembered, void ones too.
    var departureCount: Int { departures.count }

    /// The totals of a routine; nil if no session of it has ended.
    subscript(identifier: String) -> RoutineTotals? { totals[identifier] }

    /// Adds to the totals of a routine, which is there.
    mutating func change(_ identifier: String, _ body: (inout RoutineTotals) -> Void) {
        came(identifier)
        body(&totals[identifier, default: RoutineTotals()])
    }

    /// A routine is there, again perhaps.
    mutating func came(_ identifier: String) { if !gone.isEmpty { gone[identifier] = nil } }

    /// These routines are gone.
    mutating func went(_ identifiers: [String], at now: MonotonicTime) {
        for identifier in identifiers where totals[identifier] != nil {
            last += 1
            gone[identifier] = last
            departures.append(Departure(identifier: identifier, number: last, time: now))
        }
        while first < departures.count {
            let oldest = departures[first]
            if gone[oldest.identifier] == oldest.number {
                guard gone.count > most, now - oldest.time >= Self.patience else { break }
                gone[oldest.identifier] = nil
                totals[oldest.identifier] = nil
            }
            first += 1
        }
        // Void departures behind one that counts are removed when there are more of them than of the others.
        if departures.count > 2 * gone.count {
            departures = departures[first...].filter { gone[$0.identifier] == $0.number }
            first = 0
        }
    }
}

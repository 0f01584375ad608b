public import HostValues

/// Watches the successful cycles of one routine: reports when there has been none for too long, and the first one after
/// a failed session. Pure.
public struct QuietWatch: Equatable, Sendable {
    /// An event to report.
    public enum Notice: Equatable, Sendable {
        /// There has been no successful cycle for this many ns.
        case silent(Int64)
        /// The first successful cycle after a failed session.
        case recovered
    }

    /// The interval, in ns, at which the routine is checked for the first success after a failure.
    public static let pace: Int64 = 1_000_000_000

    private let silence: Int64?
    private let tellsRecovery: Bool
    private var since: MonotonicTime
    private var lookedAt: MonotonicTime
    private var isTold = false
    private var isFailing = false
    private var seen: (session: UInt64, good: UInt64) = (0, 0)

    /// Creates a watch for a routine that begins now. `silence` is the time without a successful cycle after which that
    /// is reported, in ns; nil means never.
    public init(silence: Int64?, tellsRecovery: Bool, now: MonotonicTime) {
        self.silence = silence
        self.tellsRecovery = tellsRecovery
        since = now
        lookedAt = now
    }

    /// Whether both are in the same state.
    public static func == (one: QuietWatch, other: QuietWatch) -> Bool {
        one.since == other.since && one.isTold == other.isTold && one.isFailing == other.isFailing
    }

    /// Reports that a session failed.
    public mutating func failed(now: MonotonicTime) {
        isFailing = true
        lookedAt = now
    }

    /// Reports that no cycles are expected, because the routine is paused, stopped or complete.
    public mutating func rests(now: MonotonicTime) {
        since = now
        lookedAt = now
    }

    /// Takes the number of successful cycles of a session so far; returns an event if there is one to report.
    public mutating func look(session: UInt64, good: UInt64, now: MonotonicTime) -> Notice? {
        lookedAt = now
        let before = seen.session == session ? seen.good : 0
        seen = (session, good)
        if good > before {
            defer { isFailing = false }
            since = now
            isTold = false
            return isFailing && tellsRecovery ? .recovered : nil
        }
        guard let silence, !isTold, now - since >= silence else { return nil }
        isTold = true
        return .silent(now - since)
    }

    /// When the routine must be checked next; nil means not before another event.
    public var nextCheck: MonotonicTime? {
        let recovery = isFailing && tellsRecovery ? lookedAt + Self.pace : MonotonicTime.never
        let quiet = silence.map { (isTold ? lookedAt : since) + $0 } ?? .never
        let next = min(recovery, max(quiet, lookedAt + 1))
        return next == .never ? nil : next
    }
}

public import HostValues

/// Watches one routine for good cycles: how long there has been none, and the first one after a failure. Pure.
public struct QuietWatch: Equatable, Sendable {
    /// What is worth telling.
    public enum Tidings: Equatable, Sendable {
        /// There has been no good cycle for so long.
        case silent(Int64)
        /// The first good cycle after a session that failed.
        case recovered
    }

    /// How often is looked for the first good cycle after a failure.
    public static let pace: Int64 = 1_000_000_000

    private let silence: Int64?
    private let tellsRecovery: Bool
    private var since: MonotonicTime
    private var lookedAt: MonotonicTime
    private var isTold = false
    private var isFailing = false
    private var seen: (session: UInt64, good: UInt64) = (0, 0)

    /// A routine that begins now. `silence`: after how long without a good cycle that is told.
    public init(silence: Int64?, tellsRecovery: Bool, now: MonotonicTime) {
        self.silence = silence
        self.tellsRecovery = tellsRecovery
        since = now
        lookedAt = now
    }

    /// Whether both stand alike.
    public static func == (one: QuietWatch, other: QuietWatch) -> Bool {
        one.since == other.since && one.isTold == other.isTold && one.isFailing == other.isFailing
    }

    /// A session failed.
    public mutating func failed(now: MonotonicTime) {
        isFailing = true
        lookedAt = now
    }

    /// Nothing is expected of it: it is paused, stopped or complete.
    public mutating func rests(now: MonotonicTime) {
        since = now
        lookedAt = now
    }

    /// A session has had so many good cycles by now.
    public mutating func look(session: UInt64, good: UInt64, now: MonotonicTime) -> Tidings? {
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

    /// When it is to be looked at next; nil: not before something happens.
    public var nextLook: MonotonicTime? {
        let recovery = isFailing && tellsRecovery ? lookedAt + Self.pace : MonotonicTime.never
        let quiet = silence.map { (isTold ? lookedAt : since) + $0 } ?? .never
        let next = min(recovery, max(quiet, lookedAt + 1))
        return next == .never ? nil : next
    }
}

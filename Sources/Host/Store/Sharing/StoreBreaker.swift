public import HostValues

/// Whether a store is asked at all: after a failure it is left alone for a second, and then asked by one call first.
///
/// So a store that is slow or away costs a host one timeout a second and not one a call. Pure.
public struct StoreBreaker: Equatable, Sendable {
    /// How long the store is left alone, and how long the call that tries it again may take, in ns.
    public static let rest: Int64 = 1_000_000_000

    private enum State: Equatable {
        case closed
        case open(until: BootTime)
        /// One call tries; by then it has an answer.
        case trying(until: BootTime)
    }

    private var state = State.closed

    /// A store of which nothing bad is known.
    public init() {}

    /// Whether the store was left alone when it was last asked about.
    public var isOpen: Bool { state != .closed }

    /// Whether a call may ask the store now. It tells then what came of it.
    public mutating func mayAsk(at now: BootTime) -> Bool {
        switch state {
        case .closed: return true
        case .open(let until), .trying(let until):
            if now < until { return false }
            state = .trying(until: now + Self.rest)
            return true
        }
    }

    /// The store has answered.
    public mutating func answered() { state = .closed }

    /// The store has not answered in time, or cannot.
    public mutating func failed(at now: BootTime) { state = .open(until: now + Self.rest) }
}

/// Decides whether a session's next cycle may begin, when the number of concurrent cycles is limited and the host
/// grants the turns.
struct CycleGate {
    private enum State: Equatable {
        /// There is no limit, so the host is not asked.
        case open
        /// The host must be asked before a cycle.
        case closed
        case asked
        case entered
    }

    /// The number of the last request to the host.
    private(set) var number: UInt64 = 0
    private var state: State

    /// Makes a gate; with `isClosed` false it lets every cycle pass.
    init(isClosed: Bool) { state = isClosed ? .closed : .open }

    /// What to do before a cycle.
    enum Entry: Equatable {
        case enter
        /// Tell the host that a cycle is due, with this request number, and wait.
        case ask(UInt64)
        /// Wait for the host's answer.
        case wait
    }

    /// Decides what to do for a cycle that is due.
    mutating func cycleIsDue() -> Entry {
        switch state {
        case .open, .entered: return .enter
        case .asked: return .wait
        case .closed:
            number &+= 1
            state = .asked
            return .ask(number)
        }
    }

    /// Whether the host was asked and has not answered yet.
    var isWaiting: Bool { state == .asked }

    /// Takes the host's grant of a request; returns false if that request is not the current one.
    mutating func grant(_ granted: UInt64) -> Bool {
        guard state == .asked, granted == number else { return false }
        state = .entered
        return true
    }

    /// Notes that the cycle has ended or is no longer wanted; returns whether the host must be told.
    mutating func leave() -> Bool {
        switch state {
        case .open, .closed: return false
        case .asked, .entered:
            state = .closed
            return true
        }
    }
}

/// Whether a session's next cycle may begin, where only so many may run at once and the host says whose turn it is.
struct CycleGate {
    private enum State: Equatable {
        /// Nobody is asked.
        case open
        /// The host is to be asked before a cycle.
        case closed
        case asked
        case entered
    }

    private var state: State
    /// The number of the last wish.
    private(set) var number: UInt64 = 0

    /// A gate that is closed, or none.
    init(isClosed: Bool) { state = isClosed ? .closed : .open }

    /// What is to be done before a cycle.
    enum Entry: Equatable {
        case enter
        /// Say to the host that a cycle is due, with that number, and wait.
        case ask(UInt64)
        /// Wait.
        case wait
    }

    /// A cycle is due.
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

    /// Whether the host was asked and has not answered.
    var isWaiting: Bool { state == .asked }

    /// The host has let that wish in; false when there is another one by now, or none.
    mutating func grant(_ granted: UInt64) -> Bool {
        guard state == .asked, granted == number else { return false }
        state = .entered
        return true
    }

    /// The cycle is over, or is not wanted any more: whether the host is to be told.
    mutating func leave() -> Bool {
        switch state {
        case .open, .closed: return false
        case .asked, .entered:
            state = .closed
            return true
        }
    }
}

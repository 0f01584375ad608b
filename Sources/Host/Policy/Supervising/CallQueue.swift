/// Which calls of a command may run, and which wait for a place: bounded in both.
public struct CallQueue<Call> {
    /// Calls that run at the same time.
    public static var mostRunning: Int { 4 }
    /// Calls that wait for a place.
    public static var mostWaiting: Int { 64 }

    private var waiting: [Call] = []
    /// How many run.
    public private(set) var running = 0

    /// A queue without calls.
    public init() {}

    /// Whether no call runs and none waits.
    public var isEmpty: Bool { running == 0 && waiting.isEmpty }

    /// Takes a call; false when there is no place for it, and it is dropped.
    public mutating func add(_ call: Call) -> Bool {
        guard waiting.count < Self.mostWaiting else { return false }
        waiting.append(call)
        return true
    }

    /// The next call, when it may run now: the one that waits the longest. `ended` is owed for it.
    public mutating func next() -> Call? {
        guard running < Self.mostRunning, !waiting.isEmpty else { return nil }
        running += 1
        return waiting.removeFirst()
    }

    /// A call that ran is over, or could not be started.
    public mutating func ended() { running = max(0, running - 1) }
}

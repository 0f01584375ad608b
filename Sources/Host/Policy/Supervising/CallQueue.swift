/// A queue for calls of commands, with bounds on the running and on the waiting ones.
public struct CallQueue<Call> {
    /// The maximum number of calls that run at the same time.
    public static var mostRunning: Int { 4 }
    /// The maximum number of calls that wait.
    public static var mostWaiting: Int { 64 }

    private var waiting: [Call] = []
    /// The number of running calls.
    public private(set) var running = 0

    /// Creates an empty queue.
    public init() {}

    /// Whether no call runs or waits.
    public var isEmpty: Bool { running == 0 && waiting.isEmpty }

    /// Adds a call; returns false, and drops the call, if the queue is full.
    public mutating func add(_ call: Call) -> Bool {
        guard waiting.count < Self.mostWaiting else { return false }
        waiting.append(call)
        return true
    }

    /// Removes and returns the call that has waited longest, if it may run now. The caller must call `ended` for it.
    public mutating func next() -> Call? {
        guard running < Self.mostRunning, !waiting.isEmpty else { return nil }
        running += 1
        return waiting.removeFirst()
    }

    /// Reports that a call has ended or could not be started.
    public mutating func ended() { running = max(0, running - 1) }
}

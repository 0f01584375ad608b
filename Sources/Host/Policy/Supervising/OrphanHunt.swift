/// Plans how to kill unwanted processes, even if they fork without end.
///
/// If processes were killed one by one, children that are born meanwhile would survive, and each death would make room
/// for another fork. Therefore all of them are stopped first (SIGSTOP), until a scan finds no new one. A stopped
/// process does not fork, so its children need to be searched only once, and it still counts towards any limit on
/// processes. Then all are killed at once. Pure: the caller scans and sends signals as it is told.
public struct OrphanHunt: Sendable {
    private var held: Set<Int32> = []
    /// Stopped processes whose children have not been searched since they were stopped.
    private var unexplored: [Int32] = []
    private var hasFound = false

    /// Creates a hunt without processes.
    public init() {}

    /// Whether no process is stopped.
    public var isEmpty: Bool { held.isEmpty }

    /// Adds processes that a scan found; returns those that must be stopped now.
    public mutating func find(_ pids: [Int32]) -> [Int32] {
        let fresh = pids.filter { held.insert($0).inserted }
        unexplored += fresh
        hasFound = hasFound || !fresh.isEmpty
        return fresh
    }

    /// A stopped process whose children must be searched next; nil if there is none.
    public mutating func next() -> Int32? { unexplored.popLast() }

    /// Ends a scan. Returns all stopped processes, which must be killed now, if the scan found no new one; otherwise
    /// returns none, and another scan must follow.
    public mutating func close() -> [Int32] {
        defer { hasFound = false }
        if hasFound || !unexplored.isEmpty { return [] }
        defer { held = [] }
        return held.sorted()
    }
}

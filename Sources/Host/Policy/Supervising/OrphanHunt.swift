/// How processes are got rid of that nobody wants any more, also those that fork without end.
///
/// A process that is killed makes room for another one's child, and one that was born while the others were being killed goes
/// on: so they are held first (SIGSTOP), all of them, until a look finds none that is not. One that is held forks no more, so
/// that its children have to be looked for but once, and it takes its place under whatever limit there is. Then all are killed
/// at once. Pure: who looks and signals is told what comes next.
public struct OrphanHunt: Sendable {
    private var held: Set<Int32> = []
    /// Held ones whose children were not looked for since.
    private var unexplored: [Int32] = []
    private var hasFound = false

    /// Nothing was found yet.
    public init() {}

    /// Whether none is held.
    public var isEmpty: Bool { held.isEmpty }

    /// These are there: those that are to be held now.
    public mutating func find(_ pids: [Int32]) -> [Int32] {
        let fresh = pids.filter { held.insert($0).inserted }
        unexplored += fresh
        hasFound = hasFound || !fresh.isEmpty
        return fresh
    }

    /// One that is held, whose children are to be found next.
    public mutating func next() -> Int32? { unexplored.popLast() }

    /// All were looked at. Those that are to be killed now: all that are held, when nothing new was found since this was asked
    /// last; else another look comes first.
    public mutating func close() -> [Int32] {
        defer { hasFound = false }
        if hasFound || !unexplored.isEmpty { return [] }
        defer { held = [] }
        return held.sorted()
    }
}

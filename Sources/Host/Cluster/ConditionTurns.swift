/// Which of the claims that a host holds its next commit looks at. If there are more than one commit can check, each
/// commit checks others; the list that follows the commit shows all. Pure.
struct ConditionTurns: Sendable {
    private var turn: UInt64 = 0

    /// The next ones of these, `room` at most.
    mutating func next(of keys: [String], room: Int) -> [String] {
        let start = keys.count > room ? Int(turn % UInt64(keys.count)) : 0
        turn &+= UInt64(max(room, 0))
        return (0..<min(max(room, 0), keys.count)).map { keys[(start + $0) % keys.count] }
    }
}

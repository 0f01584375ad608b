/// How long to wait before the store is asked again what has changed.
///
/// What is told is a hint, and the first one after some quiet is told at once. A store whose calls return again and again
/// sooner than the pause before them, because very much changes or because it does not wait, is asked ever less often:
/// it neither keeps a processor busy nor floods the supervisor.
struct WatchPace {
    /// The shortest pause, in ns.
    static let shortest: Int64 = 20_000_000
    /// The longest pause, in ns.
    static let longest: Int64 = 1_000_000_000

    private var pause: Int64 = 0

    /// The pause after a call that took so many ns.
    mutating func rest(after duration: Int64) -> Int64 {
        pause = duration >= pause ? Self.shortest : min(max(pause * 2, Self.shortest), Self.longest)
        return pause
    }
}

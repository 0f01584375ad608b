internal import HostSystem
internal import Synchronization

/// The minimum level of log lines that are sent. May be used on any thread.
final class LogGate: Sendable {
    private let level: Atomic<Int32>

    init(level: Int32) { self.level = Atomic(level) }

    /// Whether lines of that level are sent.
    @inline(__always)
    func isOpen(_ level: Int32) -> Bool { level >= self.level.load(ordering: .relaxed) }

    /// Changes the minimum level.
    func set(_ level: Int32) { self.level.store(level, ordering: .relaxed) }
}

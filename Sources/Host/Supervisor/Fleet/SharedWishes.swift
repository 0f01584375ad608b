internal import HostValues
internal import HostWire

/// Which plugins of a worker may ask for a way to the shared caches now: those that the worker was told to load, each once in a
/// while. Pure.
///
/// A worker that finds no way asks again after a second. A plugin can write the same line on the channel without end, and each
/// that is heard makes two sockets.
struct SharedWishes {
    /// How often one plugin may ask, in ns: a little sooner than a worker that keeps to its second.
    private static let pace: Int64 = 900_000_000

    /// When each plugin asked last.
    private var askedAt: [Int: MonotonicTime] = [:]

    /// The worker was told something.
    mutating func sent(_ command: WorkerCommand) {
        if case .load(let load) = command, load.isForRunning, askedAt[load.plugin] == nil {
            askedAt[load.plugin] = .longAgo
        }
    }

    /// The plugin asks. Whether it may.
    mutating func ask(_ plugin: Int, at now: MonotonicTime) -> Bool {
        guard let last = askedAt[plugin], now - last >= Self.pace else { return false }
        askedAt[plugin] = now
        return true
    }
}

internal import HostSystem
internal import HostValues
internal import HostWire

/// The commands that a worker's socket does not take yet.
struct CommandBacklog {
    /// A worker that has so much waiting for so long, and takes none of it, never will, ns. Its main thread reads commands
    /// between loads, so this is longer than a load may take.
    private static let most = 1 << 20
    private static let patience: Int64 = 60_000_000_000

    private var bytes: [UInt8] = []
    /// Since when too much waits, and nothing was taken.
    private var hopelessSince: MonotonicTime?

    /// Adds a command.
    mutating func add(_ command: WorkerCommand) { bytes += command.line() + [UInt8(ascii: "\n")] }

    /// Sends as much as `send` takes; returns whether some must wait. What cannot be sent because the other end is gone
    /// is dropped.
    mutating func send(_ send: (UnsafeRawBufferPointer) throws(SystemError) -> Int) -> Bool {
        var sent = 0
        while sent < bytes.count {
            do {
                sent += try unsafe bytes.withUnsafeBytes {
                    try unsafe send(UnsafeRawBufferPointer(rebasing: $0[sent...]))
                }
            } catch {
                if (error as? SystemError)?.wouldBlock != true { sent = bytes.count }
                break
            }
        }
        if sent > 0 { hopelessSince = nil }
        if sent == bytes.count { bytes = [] } else { bytes.removeFirst(sent) }
        return !bytes.isEmpty
    }

    /// Whether the worker will not take what waits for it.
    mutating func isHopeless(at now: @autoclosure () -> MonotonicTime) -> Bool {
        guard bytes.count > Self.most else { return false }
        let now = now()
        guard let since = hopelessSince else {
            hopelessSince = now
            return false
        }
        return now - since > Self.patience
    }
}

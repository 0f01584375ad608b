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
    /// Descriptors, each with the place of the first byte that goes with it.
    private var passed: [(offset: Int, descriptor: PassedDescriptor)] = []
    /// Since when too much waits, and nothing was taken.
    private var hopelessSince: MonotonicTime?

    /// Adds a command.
    mutating func add(_ command: WorkerCommand, passing descriptor: PassedDescriptor? = nil) {
        if let descriptor { passed.append((bytes.count, descriptor)) }
        bytes += command.line() + [UInt8(ascii: "\n")]
    }

    /// Sends as much as `send` takes; returns whether some must wait. What cannot be sent because the other end is gone
    /// is dropped. A descriptor is given to `send` with the first byte that goes with it.
    ///
    /// Descriptors can be refused by themselves, since a user may have only so many on their way, and each process of that user
    /// can use that up: `ETOOMANYREFS` of unix(7). Then their command is lost, but none that follows; who waits for it asks again.
    mutating func send(_ send: (UnsafeRawBufferPointer, PassedDescriptor?) throws(SystemError) -> Int) -> Bool {
        var sent = 0
        while sent < bytes.count {
            let goesAlong = passed.first?.offset == sent ? passed.first?.descriptor : nil
            let next = passed.dropFirst(goesAlong == nil ? 0 : 1).first?.offset ?? bytes.count
            do {
                sent += try unsafe bytes.withUnsafeBytes {
                    try unsafe send(UnsafeRawBufferPointer(rebasing: $0[sent..<next]), goesAlong)
                }
                if goesAlong != nil { passed.removeFirst() }
            } catch {
                if (error as? SystemError)?.wouldBlock == true { break }
                guard goesAlong != nil else {
                    sent = bytes.count
                    break
                }
                passed.removeFirst()
                sent = (bytes[sent...].firstIndex(of: UInt8(ascii: "\n")) ?? bytes.count - 1) + 1
            }
        }
        if sent > 0 { hopelessSince = nil }
        if sent == bytes.count {
            bytes = []
            passed = []
        } else {
            bytes.removeFirst(sent)
            for index in passed.indices { passed[index].offset -= sent }
        }
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

/// Bytes that wait until a socket takes them, in order. Pure.
///
/// What was taken is passed over, and the rest is moved only when that is the smaller part: so the bytes of a long queue that
/// goes out in small pieces are not moved again and again.
struct WaitingOutput {
    /// All bytes, with those before `start`, which were taken.
    private(set) var bytes: [UInt8] = []
    /// Where the bytes begin that wait.
    private(set) var start = 0

    /// How many bytes wait.
    var count: Int { bytes.count - start }
    /// Whether none waits.
    var isEmpty: Bool { start == bytes.count }

    /// Adds bytes behind all others.
    mutating func add(_ more: [UInt8]) {
        if bytes.isEmpty { bytes = more } else { bytes += more }
    }

    /// The first so many were taken.
    mutating func took(_ count: Int) {
        start += count
        if isEmpty {
            removeAll()
        } else if start > bytes.count / 2 {
            bytes.removeFirst(start)
            start = 0
        }
    }

    /// Nothing waits any more.
    mutating func removeAll() {
        bytes = []
        start = 0
    }
}

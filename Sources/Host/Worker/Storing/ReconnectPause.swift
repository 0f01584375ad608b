/// How long to wait before a store is connected to again, after attempts that came to nothing.
///
/// A store may let in whoever comes and then fail each request, for want of a right, say. So a connection is no sign that the
/// store is well, nor is an answer, for the next request may fail: only a connection that lasts is.
///
/// It grows while the store is away, so that a server that comes back is not stormed. But it never gets longer than a
/// quarter of what one call may take: that is a part of a lease, and a host that waited for longer would lose what it holds
/// though the store is back.
struct ReconnectPause {
    private static let shortest: Int64 = 100_000_000
    private static let longest: Int64 = 5_000_000_000
    private var next = shortest

    /// How long to wait after one more attempt that failed, in ns, where a call may take so many ms.
    mutating func failed(timeoutMs: UInt32) -> Int64 {
        let most = min(max(Int64(timeoutMs) * 250_000, Self.shortest), Self.longest)
        defer { next = min(next * 2, Self.longest) }
        return min(next, most)
    }

    /// How long to wait, in ns, after a connection broke that had lasted for so many ns. After one that had lasted for longer
    /// than the pause would be, there is none.
    mutating func broke(after lifetime: Int64, timeoutMs: UInt32) -> Int64 {
        if lifetime >= Self.longest {
            next = Self.shortest
            return 0
        }
        return max(0, failed(timeoutMs: timeoutMs) - max(0, lifetime))
    }
}

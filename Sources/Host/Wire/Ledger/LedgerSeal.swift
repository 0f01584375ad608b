/// What a worker seals its ledger's replicas with: known to it and to its supervisor, and written to no file.
///
/// A check word can be made by whoever can write the file. A seal cannot be: who has not the key makes none that fits, from
/// however many that he has read. SipHash (Aumasson and Bernstein, 2012), with one round a word and three at the end.
public struct LedgerKey: Equatable, Sendable {
    /// The first half.
    public let first: UInt64
    /// The second half.
    public let second: UInt64

    /// A key.
    public init(first: UInt64, second: UInt64) {
        self.first = first
        self.second = second
    }

    /// That of a ledger which no other process reaches.
    public static let unkeyed = LedgerKey(first: 0, second: 0)

    /// A key that nobody knows.
    public static func random() -> LedgerKey {
        LedgerKey(first: .random(in: 0 ... .max), second: .random(in: 0 ... .max))
    }

    /// The seal of the words that seldom change, for `seal(seldom:place:time:)`.
    @inlinable
    public func seldom(session: UInt64, threadAndEnd: UInt64, failures: UInt64, missed: UInt64) -> UInt64 {
        var state = SipState(first, second)
        state.take(session)
        state.take(threadAndEnd)
        state.take(failures)
        state.take(missed)
        return state.finish()
    }

    /// The seal of a whole replica. Called in each cycle: six rounds, some 9 ns.
    @inlinable @inline(__always)
    public func seal(seldom: UInt64, place: UInt64, time: Int64) -> UInt64 {
        var state = SipState(first, second)
        state.take(seldom)
        state.take(place)
        state.take(UInt64(bitPattern: time))
        return state.finish()
    }
}

/// SipHash's state while it takes words.
@usableFromInline struct SipState {
    @usableFromInline var v0, v1, v2, v3: UInt64

    @inlinable @inline(__always)
    init(_ first: UInt64, _ second: UInt64) {
        v0 = first ^ 0x736F_6D65_7073_6575
        v1 = second ^ 0x646F_7261_6E64_6F6D
        v2 = first ^ 0x6C79_6765_6E65_7261
        v3 = second ^ 0x7465_6462_7974_6573
    }

    @inlinable @inline(__always)
    mutating func take(_ word: UInt64) {
        v3 ^= word
        round()
        v0 ^= word
    }

    @inlinable @inline(__always)
    mutating func finish() -> UInt64 {
        v2 ^= 0xFF
        round()
        round()
        round()
        return v0 ^ v1 ^ v2 ^ v3
    }

    @inlinable @inline(__always)
    mutating func round() {
        v0 = v0 &+ v1
        v1 = turned(v1, 13) ^ v0
        v0 = turned(v0, 32)
        v2 = v2 &+ v3
        v3 = turned(v3, 16) ^ v2
        v0 = v0 &+ v3
        v3 = turned(v3, 21) ^ v0
        v2 = v2 &+ v1
        v1 = turned(v1, 17) ^ v2
        v2 = turned(v2, 32)
    }

    @inlinable @inline(__always)
    func turned(_ word: UInt64, _ bits: UInt64) -> UInt64 { word &<< bits | word &>> (64 &- bits) }
}

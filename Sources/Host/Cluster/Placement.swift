/// Which host should hold which claim: all hosts find the same without speaking, and few claims move when one comes or
/// goes.
///
/// Rendezvous hashing: each host has a number for each claim, and the host with the best one is the first. A host of twice
/// the weight is first for twice as many. Whole numbers only, so that all machines find the same.
public enum Placement {
    /// The greatest weight of a host.
    public static let mostWeight: UInt64 = 1000

    /// A host that takes part.
    public struct Candidate: Equatable, Sendable {
        /// The host.
        public let host: HostID
        /// How much it takes; 0: nothing.
        public let weight: UInt64

        /// A candidate.
        public init(_ host: HostID, weight: UInt64) {
            self.host = host
            self.weight = min(weight, Placement.mostWeight)
        }
    }

    /// How many of the candidates come before `host` for that claim; nil when it is none, or takes nothing.
    public static func rank(of host: HostID, for claim: String, among candidates: [Candidate]) -> Int? {
        guard let own = candidates.first(where: { $0.host == host }), own.weight > 0 else { return nil }
        return candidates.count { $0.weight > 0 && $0.host != host && precedes($0, own, for: claim) }
    }

    /// The candidate who comes first for that claim; nil when none takes anything.
    public static func first(for claim: String, among candidates: [Candidate]) -> HostID? {
        candidates.filter { $0.weight > 0 }.min { precedes($0, $1, for: claim) }?.host
    }

    /// How many of `claims` a host holds before it leaves the others to the others: its share, rounded up, and one.
    public static func most(weight: UInt64, of total: UInt64, claims: Int) -> Int {
        guard total > 0, weight > 0, claims > 0 else { return 0 }
        let share = Double(claims) * Double(weight) / Double(total)
        return min(claims, Int(share.rounded(.up)) + 1)
    }

    private static func precedes(_ one: Candidate, _ other: Candidate, for claim: String) -> Bool {
        // The less of distance / weight is the better one; the two are compared without a division.
        let first = distance(one.host, claim) * other.weight
        let second = distance(other.host, claim) * one.weight
        return first == second ? one.host < other.host : first < second
    }

    /// -log2 of a random number between 0 and 1 that host and claim make, in 2^-32.
    static func distance(_ host: HostID, _ claim: String) -> UInt64 {
        var hash: UInt64 = 0xCBF2_9CE4_8422_2325 ^ host.high
        for byte in claim.utf8 { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01B3 }
        hash = mixed(mixed(hash) ^ host.low)
        return (64 << 32) - log2(hash | 1)
    }

    /// SplitMix64's last step.
    private static func mixed(_ value: UInt64) -> UInt64 {
        var value = value &+ 0x9E37_79B9_7F4A_7C15
        value = (value ^ value >> 30) &* 0xBF58_476D_1CE4_E5B9
        value = (value ^ value >> 27) &* 0x94D0_49BB_1331_11EB
        return value ^ value >> 31
    }

    /// log2 in 2^-32, digit by digit: the square of a number has twice its logarithm.
    private static func log2(_ value: UInt64) -> UInt64 {
        let whole = UInt64(63 - value.leadingZeroBitCount)
        var mantissa = value << UInt64(value.leadingZeroBitCount)
        var digits: UInt64 = 0
        for _ in 0..<20 {
            let square = mantissa.multipliedFullWidth(by: mantissa).high
            digits <<= 1
            if square >> 63 == 1 {
                digits |= 1
                mantissa = square
            } else {
                mantissa = square << 1
            }
        }
        return whole << 32 | digits << 12
    }
}

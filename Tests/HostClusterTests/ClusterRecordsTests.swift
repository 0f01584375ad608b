import HostTestKit
import Testing

@testable import HostCluster

/// What is read of a store is believed only where it is whole and of a form that is known.
@Suite struct ClusterRecordsTests {
    static let host = HostRecord(
        incarnation: Incarnation(rawValue: 0xAB), beat: 12, name: "röt\"", pid: 77, boot: "b\n", version: "1.2",
        weight: 100, isDraining: true, leases: 3, settled: 9, leaseMs: 10_000)
    static let claim = ClaimRecord(
        host: HostID(high: 1, low: 2), incarnation: Incarnation(rawValue: .max), token: 1 << 53, sinceMs: 5, settled: 0,
        giver: HostID(high: 3, low: 4), heir: HostID(high: 5, low: 6))
    static let epoch = EpochRecord(
        instance: "run", number: 3, base: 1_790_000_000_000, leaseMs: 10_000, settleMs: 15_000)

    @Test func whatIsWrittenIsRead() {
        #expect(HostRecord(Self.host.bytes) == Self.host)
        #expect(ClaimRecord(Self.claim.bytes) == Self.claim)
        var free = Self.claim
        free.host = nil
        #expect(ClaimRecord(free.bytes) == free)
        #expect(EpochRecord(Self.epoch.bytes) == Self.epoch)
        #expect(TokensRecord(TokensRecord(largest: 1 << 53).bytes) == TokensRecord(largest: 1 << 53))
        #expect(TokensRecord(Self.epoch.bytes) == nil)
    }

    @Test(arguments: [
        "", "{}", "null", "[]", "{\"form\":1}", "\u{0}", "{\"form\":1,\"instance\":\"a\",\"n\":1,\"base_ms\":2",
        "{\"form\":2,\"instance\":\"a\",\"n\":1,\"base_ms\":2,\"lease_ms\":6000,\"settle_ms\":6000}",
        "{\"instance\":\"a\",\"n\":1,\"base_ms\":2,\"lease_ms\":6000,\"settle_ms\":6000}",
        "{\"form\":1,\"instance\":\"a\",\"n\":1,\"base_ms\":-2,\"lease_ms\":6000,\"settle_ms\":6000}",
        "{\"form\":1,\"instance\":7,\"n\":1,\"base_ms\":2,\"lease_ms\":6000,\"settle_ms\":6000}",
        "{\"form\":1,\"instance\":\"a\",\"n\":1,\"base_ms\":1.5,\"lease_ms\":6000,\"settle_ms\":6000}",
        "{\"form\":1,\"instance\":\"a\",\"n\":1,\"base_ms\":9007199254740993,\"lease_ms\":6000,\"settle_ms\":6000}",
        "{\"form\":1,\"instance\":\"a\",\"n\":1,\"base_ms\":99999999999999999999,\"lease_ms\":6000,\"settle_ms\":6000}",
        "{\"form\":1,\"instance\":\"a\",\"n\":1,\"n\":1,\"base_ms\":2,\"lease_ms\":6000,\"settle_ms\":6000}",
        "{\"form\":1,\"instance\":\"a\",\"n\":1,\"base_ms\":2,\"lease_ms\":6000,\"settle_ms\":6000} x",
        "{\"form\":1,\"instance\":\"a\",\"n\":{},\"base_ms\":2,\"lease_ms\":6000,\"settle_ms\":6000}",
    ])
    func junkIsNoRecord(text: String) {
        let bytes = Array(text.utf8)
        #expect(EpochRecord(bytes) == nil)
        #expect(HostRecord(bytes) == nil)
        #expect(ClaimRecord(bytes) == nil)
        #expect(TokensRecord(bytes) == nil)
    }

    @Test func aLaterHostMayAddFields() {
        let text =
            "{\"form\":1,\"new\":{\"a\":[1]},\"instance\":\"a\",\"n\":1,\"base_ms\":2,\"lease_ms\":6000,\"settle_ms\":6000}"
        #expect(
            EpochRecord(Array(text.utf8))
                == EpochRecord(instance: "a", number: 1, base: 2, leaseMs: 6000, settleMs: 6000))
    }

    @Test func whatIsTooLongIsNoRecord() {
        var host = Self.host
        host.boot = String(repeating: "x", count: 200)
        #expect(HostRecord(host.bytes)?.boot.utf8.count == 128)
        let epoch = EpochRecord(
            instance: String(repeating: "x", count: 257), number: 1, base: 1, leaseMs: 6000, settleMs: 6000)
        #expect(EpochRecord(epoch.bytes) == nil)
        #expect(EpochRecord(Self.epoch.bytes + Array(repeating: 0x20, count: 5000)) == nil)
    }

    @Test func anyBytesAreBorne() {
        var random = SplitMix(seed: 5)
        let records = [Self.host.bytes, Self.claim.bytes, Self.epoch.bytes]
        for round in 0..<3000 {
            var bytes = records[round % 3]
            for _ in 0..<1 + random.below(4) {
                switch random.below(3) {
                case 0: bytes[random.below(bytes.count)] = UInt8(random.below(256))
                case 1: bytes.remove(at: random.below(bytes.count))
                default: bytes.insert(UInt8(random.below(256)), at: random.below(bytes.count))
                }
            }
            // Whatever is read can be written and read again.
            if let claim = ClaimRecord(bytes) { #expect(ClaimRecord(claim.bytes) == claim) }
            if let host = HostRecord(bytes) { #expect(HostRecord(host.bytes)?.incarnation == host.incarnation) }
            if let epoch = EpochRecord(bytes) { #expect(EpochRecord(epoch.bytes)?.base == epoch.base) }
        }
    }

    @Test func idsAreExactlyTheirDigits() {
        let id = HostID(high: 0x1234, low: .max)
        #expect(id.description == "0000000000001234ffffffffffffffff")
        #expect(HostID(id.description) == id)
        for text in ["", "0", id.description + "0", id.description.uppercased(), "+000000000001234ffffffffffffffff"] {
            #expect(HostID(text) == nil, "\(text)")
        }
        #expect(Incarnation("00000000000000ab") == Incarnation(rawValue: 0xAB))
        #expect(Incarnation("ab") == nil)
    }

    @Test func noTwoClaimsHaveOneKey() {
        let names = [
            ClaimName(plugin: "a/b", routine: "c"), ClaimName(plugin: "a", routine: "b/c"),
            ClaimName(plugin: "a", routine: "c", shard: 1), ClaimName(plugin: "a", routine: "c#1"),
            ClaimName(plugin: "a@1", routine: "c"), ClaimName(plugin: "a%401", routine: "c"),
        ]
        let keys = names.compactMap { ClusterKey.claim($0) }
        #expect(Set(keys).count == names.count)
        #expect(ClusterKey.claim(names[4]) == "lease/routine/a%401/c")
        let allowed = Set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-/#%".utf8)
        #expect(keys.allSatisfy { $0.utf8.allSatisfy(allowed.contains) })
        #expect(ClusterKey.claim(ClaimName(plugin: String(repeating: "ü", count: 200), routine: "c")) == nil)
    }
}

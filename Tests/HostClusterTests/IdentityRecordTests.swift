import HostCluster
import Testing

/// What a state directory says of its host.
@Suite struct IdentityRecordTests {
    private static let identity = HostIdentity(
        id: HostID(high: 1, low: 2), name: "m", pid: 77, boot: "b:1", version: "1", seed: 9)

    @Test func itIsReadAsItWasWritten() throws {
        let record = IdentityRecord(Self.identity, isDraining: false)
        #expect(IdentityRecord(record.bytes) == record && !record.isDraining)
        let drained = IdentityRecord(Self.identity, isDraining: true)
        #expect(IdentityRecord(drained.bytes)?.isDraining == true)
        #expect(record.id == Self.identity.id && record.pid == 77 && record.boot == "b:1")
    }

    @Test(arguments: ["", "{}", "{\"form\":2}", "null", "{\"form\":1,\"host\":\"x\"}"])
    func junkIsNone(text: String) { #expect(IdentityRecord(Array(text.utf8)) == nil) }

    @Test func noneOfItsPrefixesIsOne() {
        let bytes = IdentityRecord(Self.identity, isDraining: true).bytes
        for count in bytes.indices { #expect(IdentityRecord(Array(bytes.prefix(count))) == nil) }
    }
}

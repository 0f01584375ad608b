import HostStore
import HostSystem
import HostTestKit
import HostValues
import Testing

/// File names that nothing escapes from, and nobody shares.
@Suite("Names of cache files")
struct CacheNameTests {
    static let names: [String] = [
        "", ".", "..", "../../etc/x", "/", "a/b", "CON", "con", "Con", "name.shc", "lock", "x.tmp", "a b", "a%20b",
        "%", "%%", "\u{0}", "é", "e\u{301}", "漢字", String(repeating: "a", count: 160),
        String(repeating: "a", count: 161),
        String(repeating: "a", count: 4096), String(repeating: "a", count: 4095) + "b",
        String(repeating: "é", count: 2048),
        String(repeating: "A", count: 54), String(repeating: "A", count: 53) + "a",
    ]

    @Test("are safe, short and all different")
    func encode() {
        let encoded = Self.names.map { CacheName.encode($0) }
        #expect(Set(encoded.map { $0.lowercased() }).count == Self.names.count)
        for name in encoded {
            #expect(!name.isEmpty && name.utf8.count <= 160)
            #expect(name.utf8.allSatisfy { $0 != UInt8(ascii: "/") && $0 != UInt8(ascii: ".") && $0 > 32 && $0 < 127 })
        }
        #expect(CacheName.encode("../etc") == "%2E%2E%2Fetc")
        for name in Self.names where !CacheName.encode(name).contains("%%") {
            #expect(CacheName.decode(CacheName.encode(name)) == name)
        }
    }

    private static func namespace(_ state: any CacheFolder) -> CacheNamespace {
        CacheNamespace(
            plugin: "../p", routine: "R", budget: CacheBudget(), place: CachePlace(state, of: .state),
            environment: CacheEnvironment(clock: SystemClock()))
    }

    @Test("each name has a file of its own in the namespace's directory, on a real disk")
    func files() throws {
        try withScratch { state in
            let first = Self.namespace(try state())
            for (index, name) in Self.names.enumerated() {
                unsafe try first.open(name, CacheOptions(expire: .max), isOnDisk: true).get().put([UInt8(index)]).get()
            }
            let second = Self.namespace(try state())
            for (index, name) in Self.names.enumerated() {
                unsafe #expect(
                    try second.open(name, CacheOptions(expire: .max), isOnDisk: true).get().peek().bytes == [
                        UInt8(index)
                    ])
            }
            let names = try state().folder("cache", create: false).folder("v1", create: false)
                .folder("%2E%2E%2Fp", create: false).folder("%52", create: false).names()
            #expect(names.filter { $0.hasSuffix(".shc") }.count == Self.names.count)
        }
    }
}

/// Runs with a directory of its own, removed afterwards.
func withScratch(_ body: (_ state: () throws(SystemError) -> any CacheFolder) throws -> Void) throws {
    let scratch = TestDirectory()
    try body { () throws(SystemError) in SystemCacheFolder(try scratch.directory(), clock: SystemClock()) }
}

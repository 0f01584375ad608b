import HostValues
import Testing

@testable import HostWorker

/// Stores against what `schedhost/store.h` says of them; the output says what does not hold.
@Suite struct StoreTests {
    @Test(arguments: ["fake", "lies", "redis", "redis-servers", "etcd", "etcd-servers"])
    func `a store holds what is said of stores, or is found out`(
        engine: String
    ) {
        let status = Fixtures.shell("'\(Fixtures.root)/Tests/Stores/check' \(engine)")
        // 77: its server cannot be had here, and the output says so.
        #expect(status == 0 || status == 77)
    }

    @Test func `what is missing on a machine is told, and what can be had there is tried`() {
        #expect(Fixtures.shell("'\(Fixtures.root)/Tests/Stores/needs'") == 0)
    }

    @Test func `a plugin that offers a store needs no routines`() throws {
        try Fixtures.with("store", file: "libstore.so") { path in
            let description = try LoadedPlugin(path: path).description
            #expect(description.id == "fake-store" && description.routines.isEmpty && description.offersStore)
        }
        try Fixtures.with("healthy", file: "libhealthy.so") { path in
            let description = try LoadedPlugin(path: path).description
            #expect(!description.offersStore)
        }
    }
}

import HostPolicy
import HostTestKit
import HostValues
import HostWire
import Testing

@testable import HostSupervisor

/// Which workers get a way to the store of shared caches, and when.
@Suite struct SharedCachesTests {
    private let harness = BookHarness()
    private static let worker = WorkerID(number: 7)

    private func caches(_ cluster: String) throws -> SharedCaches {
        let host = try HostConfiguration(parsing: Array("{ cluster: { \(cluster) } }".utf8), file: "F")
        return SharedCaches(
            try #require(host.cluster), clock: harness.clock, deadlines: Deadlines(), log: harness.log)
    }

    private func connection(_ plugin: String, routine: String? = nil, store: Int) -> SharedCaches.Order {
        .connect(
            Self.worker, plugin: 1,
            SharedAccess(prefix: "schedhost/n/", plugin: plugin, routine: routine, links: 2, timeoutMs: 250),
            store: .store(store))
    }

    @Test func aPluginIsConnectedWhenTheStoreIsThere() throws {
        let caches = try caches("store: 's', name: 'n'")
        caches.ready(BookHarness.program(1, "p"))
        caches.wants(Self.worker, plugin: 1, home: .plugin("p"))
        #expect(caches.take().isEmpty)
        caches.ready(BookHarness.program(2, "s"))
        caches.loaded(.store(3))
        #expect(caches.take().isEmpty, "that is another one")
        caches.loaded(.store(2))
        #expect(caches.take() == [connection("p", store: 2)])
        // It can ask as often as it likes.
        for _ in 0..<100 { caches.wants(Self.worker, plugin: 1, home: .plugin("p")) }
        #expect(caches.take().isEmpty)
        harness.clock.advance(1_000_000_000)
        caches.wants(Self.worker, plugin: 1, home: .plugin("p"))
        #expect(caches.take() == [connection("p", store: 2)])
        // The store's worker dies, and comes back.
        caches.died(.store(2))
        harness.clock.advance(1_000_000_000)
        caches.wants(Self.worker, plugin: 1, home: .plugin("p"))
        #expect(caches.take().isEmpty)
        caches.loaded(.store(2))
        #expect(caches.take() == [connection("p", store: 2)])
    }

    @Test func aWorkerOfOneRoutineReachesThatRoutineOnly() throws {
        let caches = try caches("store: 's', name: 'n'")
        caches.ready(BookHarness.program(1, "p"))
        caches.ready(BookHarness.program(2, "s"))
        caches.loaded(.store(2))
        caches.wants(Self.worker, plugin: 1, home: .routine(plugin: "p", routine: "r"))
        #expect(caches.take() == [connection("p", routine: "r", store: 2)])
        // Nobody knows such a plugin.
        caches.wants(Self.worker, plugin: 9, home: .plugin("p"))
        #expect(caches.take().isEmpty)
    }

    @Test func aStoreOfItsOwnIsLoadedAndLookedAfter() throws {
        let caches = try caches("store: 's', cache_store: 'c', name: 'n'")
        caches.ready(BookHarness.program(1, "p"))
        caches.ready(BookHarness.program(2, "s"))
        #expect(caches.take().isEmpty && caches.key == nil)
        caches.ready(BookHarness.program(3, "c"))
        guard case .load(let load)? = caches.take().first else {
            Issue.record("it is not loaded")
            return
        }
        #expect(load.key == .store(3) && load.home == .plugin("c") && caches.key == .store(3))
        caches.wants(Self.worker, plugin: 1, home: .plugin("p"))
        caches.failed(.store(3), "no memory")
        caches.failed(.store(3), "no memory")
        #expect(harness.log.entries.filter { $0.text.contains("cannot be loaded: no memory") }.count == 1)
        caches.loaded(.store(3))
        #expect(caches.take() == [connection("p", store: 3)])
        caches.retired(3)
        #expect(caches.key == nil)
        caches.stop()
        #expect(caches.take().isEmpty)
    }
}

import HostPolicy
import HostTestKit
import HostValues
import HostWire
import Testing

@testable import HostSupervisor

/// Removals of shared values: what is meant, and what people are told.
@Suite struct SharedClearingTests {
    private let harness = BookHarness()

    private func clearing() throws -> (SharedClearing, StoreWorker) {
        let host = try HostConfiguration(parsing: Array("{ cluster: { store: 's', name: 'n' } }".utf8), file: "F")
        let settings = try #require(host.cluster)
        let store = StoreWorker(
            settings.cacheStore, lease: 6_000_000_000, clock: harness.clock, deadlines: harness.deadlines)
        return (SharedClearing(settings, store), store)
    }

    private func request(_ ids: [String] = [], name: String? = nil, key: String? = nil, after: UInt64? = nil)
        -> ControlRequest
    {
        var request = ControlRequest(.clearShared, identifiers: ids, name: name, key: key)
        request.after = after
        return request
    }

    @Test func aRequestMeansWhatItNames() {
        func selection(_ request: ControlRequest) -> SharedSelection {
            SharedClearing.selection(request, ["p", "p@eu", "other"])
        }
        #expect(selection(request()) == SharedSelection(starts: [""]))
        #expect(selection(request(["p"])).starts == ["p/", "p%40eu/"])
        #expect(selection(request(["gone"])).starts == ["gone/"], "also what this host does not have any more")
        #expect(
            selection(request(["p@eu/r"], name: "N", key: "")) == SharedSelection(starts: ["p%40eu/r/%4E/"], key: ""))
        #expect(
            selection(request(["other/r"], name: "n", key: "a/b"))
                == SharedSelection(starts: ["other/r/n/"], key: "a%2Fb"))
    }

    @Test func aSelectionHasTheValuesOfItsKey() {
        let all = SharedSelection(starts: ["p/r/"])
        #expect(all.contains("p/r/n/d0") && all.contains("p/r/n/d0/k") && !all.contains("p/r2/n/d0"))
        let one = SharedSelection(starts: ["p/r/n/"], key: "k")
        #expect(one.contains("p/r/n/d0/k") && one.contains("p/r/n/m12/k"))
        #expect(!one.contains("p/r/n/d0") && !one.contains("p/r/n/d0/k2") && !one.contains("p/r/n/k"))
        let unkeyed = SharedSelection(starts: ["p/r/n/"], key: "")
        #expect(unkeyed.contains("p/r/n/d0") && !unkeyed.contains("p/r/n/d0/k"))
    }

    @Test func peopleAreToldWhatCameOfIt() throws {
        let (clearing, store) = try clearing()
        #expect(
            clearing.answer(request(), plugins: []) == .done(removed: 0, trouble: "its worker does not run at present"))
        store.ready(BookHarness.program(2, "s"))
        store.loaded(.store(2))
        #expect(clearing.answer(request(["p"]), plugins: []) == .underWay(1))
        #expect(
            clearing.take()
                == [.clear(1, SharedSelection(starts: ["p/"]), prefix: "schedhost/n/", timeoutMs: 2000)])
        #expect(!clearing.hasOrders && clearing.answer(request(after: 1), plugins: []) == .underWay(1))
        clearing.heard(1, removed: 7, trouble: nil)
        clearing.heard(1, removed: 8, trouble: nil)
        clearing.heard(9, removed: 8, trouble: nil)
        #expect(clearing.answer(request(after: 1), plugins: []) == .done(removed: 7, trouble: nil))
        #expect(clearing.answer(request(), plugins: []) == .underWay(2))
        store.died(.store(2))
        #expect(
            clearing.answer(request(after: 2), plugins: [])
                == .done(removed: 0, trouble: "the store's worker has ended"))
        #expect(
            clearing.answer(request(after: 9), plugins: [])
                == .done(removed: 0, trouble: "nobody knows any more what came of it"))
    }

    @Test(
        arguments: [nil, .underWay(7), .done(removed: 3, trouble: nil), .done(removed: 0, trouble: "no")]
            as [SharedClearAnswer?])
    func theAnswerIsReadAsItWasWritten(answer: SharedClearAnswer?) {
        #expect(ControlResponse(line: ControlResponse.clearShared(answer).line()) == .clearShared(answer))
    }
}

import HostInspection
import HostSystem
import HostWire
import Testing

@testable import HostPolicy
@testable import HostSupervisor
@testable import HostValues

/// Several instances of one plugin, as the configuration names them.
@Suite final class PluginInstanceTests: CatalogSuite {
    private func instances(_ text: String) -> (ready: [String], retired: [SessionEnd]) {
        folder.configurations["/plugins/a.json5"] = text
        changed("a.json5")
        return settle()
    }

    @Test func `instances are programs of their own, and come, change and go with the configuration`() {
        folder.put("a.so", "a")
        folder.configurations["/plugins/a.json5"] = "{wait_ms: 5, instances: {x: {}, y: {wait_ms: 7}}}"
        catalog.scanAll()
        #expect(settle() == (["a@x", "a@y"], []))
        #expect(catalog.settings(plugin: "a@x", routine: "poll")?.waitMs == 5)
        #expect(catalog.settings(plugin: "a@y", routine: "poll")?.waitMs == 7)
        #expect(catalog.status().map(\.id) == ["a@x", "a@y"] && catalog.isSettled)
        // One comes, one changes, one stays as it is.
        #expect(instances("{wait_ms: 5, instances: {x: {}, y: {wait_ms: 8}, z: {}}}") == (["a@z", "a@y"], [.reloaded]))
        #expect(instances("{wait_ms: 5, instances: {x: {}, z: {}}}") == ([], [.removed]))
        // What is wrong changes nothing, whichever of them it is about.
        #expect(instances("{wait_ms: 5, instances: {x: {wait_ms: ''}}}") == ([], []) && catalog.readyCount == 2)
        #expect(log.take(.error).count == 1)
        // All settings, and then none.
        let (ready, retired) = instances("{wait_ms: 6, instances: {x: {}, z: {}}}")
        #expect(ready == ["a@x", "a@z"] && retired == [.reloaded, .reloaded])
        #expect(instances("{wait_ms: 6}") == (["a"], [.removed, .removed]))
        #expect(instances("{wait_ms: 6, instances: {x: {}}}") == (["a@x"], [.removed]))
        folder.files = [:]
        changed(isWhole: true)
        #expect(settle() == ([], [.removed]) && catalog.isSettled && catalog.entries.isEmpty)
    }

    @Test func `a file that is replaced replaces all instances, when all have ended`() {
        folder.put("a.so", "a")
        folder.configurations["/plugins/a.json5"] = "{instances: {x: {}, y: {}, z: {}}}"
        catalog.scanAll()
        _ = settle()
        folder.put("a.so", "b")
        changed("a.so")
        let (ready, retired) = settle()
        #expect(ready == ["a@x", "a@y", "a@z"] && retired == [.reloaded, .reloaded, .reloaded])
        #expect(catalog.entries.values.allSatisfy { $0.hash == "b" } && catalog.readyCount == 3)
    }

    @Test func `instances whose configuration is wrong at first begin when it is mended`() {
        folder.put("a.so", "a")
        folder.configurations["/plugins/a.json5"] = "{instances: {x: {}, y: {wait: 5}}}"
        catalog.scanAll()
        #expect(settle() == ([], []) && state(of: "a.so") == "refused")
        #expect(instances("{instances: {x: {}, y: {wait_ms: 5}}}") == (["a@x", "a@y"], []))
    }

    @Test func `an instance that is edited while another is described comes once`() {
        folder.put("a.so", "a")
        folder.configurations["/plugins/a.json5"] = "{instances: {x: {}}}"
        catalog.scanAll()
        guard case .describe(let number)? = catalog.take().first else { return }
        folder.configurations["/plugins/a.json5"] = "{instances: {y: {}, w: {}}}"
        changed("a.json5")
        catalog.described(number, description("a"))
        #expect(Set(settle().ready) == ["a@w", "a@y"] && catalog.status().count == 2)
    }
}

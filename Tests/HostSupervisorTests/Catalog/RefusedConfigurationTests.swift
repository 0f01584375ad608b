import HostWire
import Testing

@testable import HostPolicy
@testable import HostSupervisor
@testable import HostValues

/// Configuration files that a running host refuses: they are shown until they are mended, since the next start fails by them.
@Suite final class RefusedConfigurationTests: CatalogSuite {
    private var refused: [HostStatus.RefusedConfiguration] { catalog.refused.all(of: catalog.entries.values) }

    private func edit(_ name: String, _ text: String?) {
        folder.configurations["/plugins/\(name)"] = text
        changed(name)
        _ = settle()
    }

    private func begin() {
        folder.put("a.so", "a")
        catalog.scanAll()
        _ = settle()
        #expect(refused.isEmpty)
    }

    @Test func `a plugin's file is shown from a wrong edit to a good one`() throws {
        begin()
        edit("a.json5", "{wait_mz: 5}")
        let one = try #require(refused.first)
        #expect(refused.count == 1 && one.file == "/plugins/a.json5" && one.plugin == "a" && one.keepsFormer)
        #expect(one.why.hasPrefix("/plugins/a.json5:1:2: wait_mz: ") && state(of: "a.so") == "ready", "\(one.why)")
        edit("a.json5", "{wait_mz: 5, x: 1}")
        #expect(refused.count == 1 && refused[0].why.contains("; /plugins/a.json5:1:14: x: "), "\(refused)")
        edit("a.json5", "{wait_ms: 5}")
        #expect(refused.isEmpty)
        edit("a.json5", "{")
        #expect(refused.count == 1)
        edit("a.json5", nil)
        #expect(refused.isEmpty)
    }

    @Test func `the host's file is shown as such, and so is its block for a plugin`() {
        begin()
        edit("schedhost.json5", "{x: 1}")
        #expect(
            refused.map(\.file) == ["/plugins/schedhost.json5"]
                && refused.allSatisfy { $0.plugin == nil && $0.keepsFormer })
        edit("schedhost.json5", "{plugins: {a: {routines: {none: {wait_ms: 5}}}}}")
        #expect(refused.map(\.file) == ["/plugins/schedhost.json5"] && refused.map(\.plugin) == ["a"], "\(refused)")
        edit("schedhost.json5", "{}")
        #expect(refused.isEmpty)
    }

    @Test func `a plugin that is refused for its file at the start has no settings from before`() {
        folder.put("a.so", "a")
        folder.configurations["/plugins/a.json5"] = "{wait_mz: 5}"
        catalog.scanAll()
        _ = settle()
        #expect(state(of: "a.so") == "refused" && refused.map(\.keepsFormer) == [false])
        edit("a.json5", "{wait_ms: 5}")
        #expect(state(of: "a.so") == "ready" && refused.isEmpty)
    }

    @Test func `the file of all instances is shown once, and goes with its plugin`() {
        folder.configurations["/plugins/a.json5"] = "{instances: {x: {}, y: {}}}"
        begin()
        edit("a.json5", "{instances: {x: {}, y: {}}, wait_mz: 5}")
        #expect(refused.map(\.plugin) == ["a"] && refused[0].concerns("a@x") && !refused[0].concerns("b"))
        folder.files["a.so"] = nil
        changed("a.so")
        _ = settle()
        #expect(refused.isEmpty)
    }
}

import HostInspection
import HostSystem
import HostWire
import Testing

@testable import HostPolicy
@testable import HostSupervisor
@testable import HostValues

/// What becomes of plugins whose sandbox this kernel cannot make whole.
@Suite final class PluginSandboxTests: CatalogSuite {
    private func catalog(_ support: SandboxSupport) throws -> PluginCatalog {
        let catalog = PluginCatalog(
            PluginCatalog.Settings(plugins: "/plugins", state: "/state", sandbox: support), folder: folder,
            clock: clock,
            deadlines: deadlines, log: log)
        try catalog.loadHostConfiguration()
        return catalog
    }

    private static let whole = SandboxSupport.wanted
    private static let without = SandboxSupport(hasFilters: true)

    @Test(
        arguments: [
            ("required", whole, nil, 0), ("required", without, "its sandbox is required", 0), ("on", whole, nil, 0),
            ("on", without, nil, 1), ("off", without, nil, 0),
        ] as [(String, SandboxSupport, String?, Int)])
    func `who requires a whole sandbox is refused, and who wants what there is is told once`(
        level: String, support: SandboxSupport, refusal: String?, warnings: Int
    ) throws {
        let catalog = try catalog(support)
        for name in ["a", "b"] {
            folder.put(name + ".so", name)
            folder.configurations["/plugins/\(name).json5"] = "{sandbox: '\(level)'}"
        }
        catalog.scanAll()
        let ready = settle(catalog).ready
        #expect(log.entries.count { $0.level == .warning } == warnings)
        let errors = log.take(.error)
        if let refusal {
            #expect(ready.isEmpty && errors.count == 2 && errors.allSatisfy { $0.contains(refusal) }, "\(errors)")
            #expect(errors.allSatisfy { $0.contains("files") && $0.contains("sandbox: \"on\"") })
        } else {
            #expect(ready == ["a", "b"] && errors.isEmpty)
        }
    }

    @Test func `who needs what is not allowed is refused with the line that would allow it, and that mends it`() throws
    {
        needs = ["write=/srv/out", "bind=9100", "environment=HOME", "environment=KEY", "write=/tmp/named/x"]
        folder.put("a.so", "a")
        folder.configurations["/plugins/a.json5"] = "{params: {out: '/tmp/named'}}"
        catalog.scanAll()
        #expect(settle(catalog).ready.isEmpty)
        let line = "sandbox: { write: [\"/srv/out\"], bind: [9100], environment: [\"KEY\"] }"
        #expect(log.take(.error).contains { $0.contains("needs more than its sandbox allows: \(line) in a.json5") })
        folder.configurations["/plugins/a.json5"] = "{params: {out: '/tmp/named'}, \(line)}"
        catalog.directoryChanged(DirectoryWatch.Change(settled: ["a.json5"]))
        #expect(settle(catalog).ready == ["a"] && log.take(.error).isEmpty)
        // Without a sandbox it has all.
        folder.configurations["/plugins/a.json5"] = "{sandbox: 'off'}"
        catalog.directoryChanged(DirectoryWatch.Change(settled: ["a.json5"]))
        #expect(settle(catalog).ready == ["a"])
    }

    @Test func `one routine's own sandbox counts too, and an edit mends it`() throws {
        let catalog = try catalog(Self.without)
        folder.put("a.so", "a")
        folder.configurations["/plugins/a.json5"] =
            "{isolation: 'routine', routines: {poll: {sandbox: 'required'}}}"
        catalog.scanAll()
        #expect(settle(catalog).ready.isEmpty && catalog.status().first?.state == "refused")
        folder.configurations["/plugins/a.json5"] = "{isolation: 'routine'}"
        catalog.directoryChanged(DirectoryWatch.Change(settled: ["a.json5"]))
        #expect(settle(catalog).ready == ["a"])
    }
}

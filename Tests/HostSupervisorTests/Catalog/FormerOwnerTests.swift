import HostWire
import Testing

@testable import HostPolicy
@testable import HostSupervisor
@testable import HostValues

/// Whether a plugin can take the name that a plugin in another file had.
@Suite final class FormerOwnerTests: CatalogSuite {
    /// The name `same` goes from `a.so` to another file, which is only described.
    private func replace(by file: String) throws {
        folder.put("a.so", "a")
        catalog.scanAll()
        catalog.described(1, description("same"))
        #expect(state(of: "a.so") == "ready")
        folder.files["a.so"] = nil
        changed("a.so")
        catalog.ended([1])
        folder.put(file, "z")
        changed(file)
        catalog.described(2, description("same"))
    }

    /// What goes with a name: settings with keys in them, cached values, data.
    @Test(arguments: ["settings", "block", "belongings"])
    func `what goes with a name goes to another file only if a person says so`(what: String) throws {
        switch what {
        case "settings": folder.configurations["/plugins/same.json5"] = "{ wait_ms: 20 }"
        case "block":
            folder.configurations["/plugins/schedhost.json5"] = "{ plugins: { same: { wait_ms: 20 } } }"
            try catalog.loadHostConfiguration()
        default: folder.belongings = ["same"]
        }
        try replace(by: "z.so")
        #expect(state(of: "z.so") == "refused")
        let why = try #require(catalog.status().first { $0.file == "z.so" }?.why)
        #expect(why.contains("was that of a.so") && why.contains("schedhost resume same"), "\(why)")
        #expect(catalog.giveNames(["other"]).isEmpty && state(of: "z.so") == "refused")
        _ = catalog.take()
        #expect(catalog.giveNames(["same"]) == ["same"] && catalog.take() == [.describe(2)])
        catalog.described(2, description("same"))
        #expect(state(of: "z.so") == "ready" && catalog.giveNames(["same"]).isEmpty)
    }

    @Test func `the next host refuses it too, and the file that had the name gets it without a word`() throws {
        folder.belongings = ["same"]
        try replace(by: "z.so")
        catalog.stop()
        for (file, state) in [("z.so", "refused"), ("a.so", "ready")] {
            let next = PluginCatalog(
                PluginCatalog.Settings(plugins: "/plugins", state: "/state"), folder: folder, clock: clock,
                deadlines: deadlines, log: log)
            folder.files = [:]
            folder.put(file, file)
            next.scanAll()
            next.described(1, description("same"))
            #expect(next.status().map(\.state) == [state])
            next.stop()
        }
    }

    @Test func `a file named after the plugin has its name, and so has any file if nothing goes with it`() throws {
        folder.belongings = ["same"]
        try replace(by: "libSame.so")
        #expect(state(of: "libSame.so") == "ready")
        folder.belongings = []
        folder.files["libSame.so"] = nil
        changed("libSame.so")
        catalog.ended([2])
        folder.put("z.so", "y")
        changed("z.so")
        catalog.described(3, description("same"))
        #expect(state(of: "z.so") == "ready")
    }

    @Test func `a refused plugin gets the name when nothing goes with it any more`() throws {
        folder.configurations["/plugins/same.json5"] = "{ wait_ms: 20 }"
        try replace(by: "z.so")
        #expect(state(of: "z.so") == "refused")
        folder.configurations = [:]
        changed("same.json5")
        _ = catalog.take()
        catalog.described(2, description("same"))
        #expect(state(of: "z.so") == "ready")
    }
}

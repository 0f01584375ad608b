import HostPolicy
import HostValues
import Testing

@testable import HostSupervisor

/// What configuration files say, with a directory in memory and without a catalog.
struct SettingsResolverTests {
    private let folder = MemoryPlugins()

    private func plugin(_ id: String) -> PluginDescription {
        PluginDescription(
            id: id, version: "1.0", description: nil, isSerial: false, parameters: [],
            routines: [.init(name: "poll", description: nil, waitMs: 1000, maxCycles: 0, timeoutMs: 0)])
    }

    private func resolver(host: String? = nil) throws -> SettingsResolver {
        var resolver = SettingsResolver(folder, host: host, overrides: ConfigurationLayer())
        _ = try resolver.readHost()
        return resolver
    }

    private func waitMs(_ resolver: SettingsResolver, _ id: String) throws -> UInt64? {
        let plugin = plugin(id)
        return resolver.settings(of: plugin.routines[0], in: plugin, try resolver.configuration(of: plugin)).waitMs
    }

    @Test func `the plugin's own file comes before the host's block, and that before the plugin's word`() throws {
        let word = try resolver()
        #expect(try waitMs(word, "a") == 1000)
        folder.configurations["/plugins/schedhost.json5"] = "{plugins: {a: {wait_ms: 20}}}"
        let block = try resolver()
        #expect(try waitMs(block, "a") == 20 && waitMs(block, "b") == 1000)
        folder.configurations["/plugins/a.json5"] = "{wait_ms: 10}"
        #expect(try waitMs(block, "a") == 10, "a plugin's file is read whenever it is asked for")
    }

    /// A command of a file would run as the host's user, whoever has written the file.
    @Test(arguments: ["/plugins/a.json5", "/plugins/schedhost.json5"])
    func `a file that others can write has its settings, but not its commands`(path: String) throws {
        let keys =
            #"wait_ms: 20, on_failure: ["/bin/evil"], on_recovery: ["/bin/evil"], "#
            + #"on_silence: { after_ms: 1000, run: ["/bin/evil"] }"#
        let routine = #"routines: { poll: { on_failure: ["/bin/evil"] } }"#
        let isHost = path.hasSuffix("schedhost.json5")
        folder.configurations[path] =
            isHost
            ? "{ \(keys), plugins: { a: { on_failure: [\"/bin/evil\"], \(routine) } } }" : "{ \(keys), \(routine) }"
        for isUnsafe in [false, true] {
            folder.unsafe = isUnsafe ? [path] : []
            let log = MemoryLog()
            var resolver = SettingsResolver(folder, host: nil, overrides: ConfigurationLayer(), log: log)
            _ = try resolver.readHost()
            let plugin = plugin("a")
            for _ in 0..<2 {
                let settings = resolver.settings(
                    of: plugin.routines[0], in: plugin, try resolver.configuration(of: plugin))
                #expect(settings.waitMs == 20)
                #expect(settings.onFailureCommand.isEmpty == isUnsafe && settings.onRecoveryCommand.isEmpty == isUnsafe)
                #expect(settings.silenceCommand.isEmpty == isUnsafe)
            }
            let told = log.entries.map(\.text).filter { $0.contains("are not run") }
            #expect(told.count == (isUnsafe ? 1 : 0), "\(told)")
            #expect(told.allSatisfy { $0.contains(path) && $0.contains("chmod go-w") })
        }
    }

    @Test func `a host's file that is wrong changes nothing, and one that is the same is no news`() throws {
        folder.configurations["/plugins/schedhost.json5"] = "{wait_ms: 20}"
        var resolver = try resolver()
        #expect(try resolver.readHost() == false)
        folder.configurations["/plugins/schedhost.json5"] = "{wait_ms: }"
        #expect(throws: (any Error).self) { _ = try resolver.readHost() }
        #expect(try waitMs(resolver, "a") == 20)
        folder.configurations["/plugins/schedhost.json5"] = nil
        #expect(try resolver.readHost())
        #expect(try waitMs(resolver, "a") == 1000)
    }

    @Test func `a host's file that is named must be there, and is read where it is`() throws {
        #expect(throws: (any Error).self) { _ = try self.resolver(host: "/etc/h.json5") }
        folder.configurations["/plugins/schedhost.json5"] = "{wait_ms: 20}"
        folder.configurations["/etc/h.json5"] = "{wait_ms: 30}"
        let resolver = try resolver(host: "/etc/h.json5")
        #expect(try waitMs(resolver, "a") == 30)
    }

    @Test func `a file's name leads to what is probably configured for its plugin`() throws {
        folder.configurations["/plugins/market-poller.json5"] = "{limits: {memory_mb: 64}}"
        folder.configurations["/plugins/broken.json5"] = "{"
        folder.configurations["/plugins/schedhost.json5"] = "{plugins: {far: {wait_ms: 7}}}"
        let resolver = try resolver()
        let poller = try #require(resolver.expected(of: "libMarketPoller.so"))
        #expect(poller.id == "market-poller" && poller.configuration.setsLimits)
        #expect(resolver.settings(ofUnknown: poller.id, poller.configuration).limits.memoryMb == 64)
        #expect(resolver.sharedLimits.memoryMb != 64, "a shared worker has the host's")
        #expect(resolver.expected(of: "far.so")?.id == "far", "the host's file has a block for it")
        #expect(resolver.expected(of: "broken.so") == nil && resolver.expected(of: "nobody.so") == nil)
    }
}

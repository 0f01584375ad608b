import HostValues
import Testing

@testable import HostPolicy

/// How a host takes part in a cluster, and which routines may run on one host only.
@Suite struct ClusterSettingsTests {
    private func host(_ text: String) throws -> HostConfiguration {
        try HostConfiguration(parsing: Array(text.utf8), file: "H")
    }

    private func layers(_ text: String) throws -> PluginLayers {
        PluginLayers(block: nil, file: try PluginConfiguration(parsing: Array(text.utf8), file: "P"))
    }

    private func fault(_ host: String, _ plugin: String, _ isolation: Isolation = .plugin) throws -> String? {
        let (configuration, layers) = (try self.host(host), try self.layers(plugin))
        do {
            try configuration.checkRunOn(layers, at: isolation)
            try layers.checkLimits(at: isolation)
            return nil
        } catch {
            return "\(error)"
        }
    }

    @Test func withoutAStoreThereIsNone() throws {
        #expect(try host("{}").cluster == nil)
        let cluster = try #require(try host("{ cluster: { store: 's' } }").cluster)
        #expect(
            cluster.store == "s" && cluster.name == "schedhost" && cluster.leaseMs == 10_000 && cluster.weight == 100)
        let other = try host("{ cluster: { store: 's', name: 'n', lease_ms: 2000, weight: 0 } }").cluster
        #expect(other?.name == "n" && other?.leaseMs == 2000 && other?.weight == 0)
    }

    @Test(arguments: [
        ("{}", "{ run_on: 'one' }", Isolation.plugin, "in no cluster"),
        ("{ run_on: 'one' }", "{}", .plugin, "H:1:11: run_on: is"),
        ("{}", "{ routines: { r: { run_on: 'one' } } }", .routine, "in no cluster"),
        ("{ cluster: { store: 's' } }", "{ run_on: 'one' }", .shared, "isolation"),
        ("{ cluster: { store: 's' } }", "{ routines: { r: { run_on: 'one' } } }", .plugin, "isolation: \"routine\""),
        ("{}", "{ run_on: 'shards', shards: 4 }", .plugin, "is \"shards\", and this host is in no cluster"),
        ("{ cluster: { store: 's' } }", "{ run_on: 'shards' }", .plugin, "shards: 16"),
        ("{ cluster: { store: 's' } }", "{ run_on: 'shards', shards: 4 }", .shared, "isolation"),
    ])
    func whereItCannotBe(host: String, plugin: String, isolation: Isolation, text: String) throws {
        let found = try fault(host, plugin, isolation)
        #expect(found?.contains(text) == true, "\(found ?? "none")")
    }

    @Test(arguments: [
        ("{ cluster: { store: 's' } }", "{ run_on: 'one' }", Isolation.plugin),
        ("{ cluster: { store: 's' } }", "{ routines: { r: { run_on: 'one' } } }", .routine),
        ("{}", "{ run_on: 'each' }", .shared),
        ("{ cluster: { store: 's' } }", "{ run_on: 'shards', shards: 4 }", .plugin),
    ])
    func whereItCanBe(host: String, plugin: String, isolation: Isolation) throws {
        #expect(try fault(host, plugin, isolation) == nil)
    }

    @Test func theClusterIsNoRoutinesOwn() throws {
        let routine = ConfigurationSamples.market.routines[0]
        func settings(_ text: String) throws -> EffectiveSettings {
            EffectiveSettings(of: routine, in: ConfigurationSamples.market, host: try host(text).layer)
        }
        #expect(try settings("{}") == settings("{ cluster: { store: 's', weight: 7 } }"))
        #expect(try settings("{}").runOn == .each)
    }

    @Test func partsAndWhetherTheyMove() throws {
        func settings(_ text: String) throws -> EffectiveSettings {
            EffectiveSettings(
                of: ConfigurationSamples.market.routines[0], in: ConfigurationSamples.market, try layers(text))
        }
        #expect(try settings("{}").shards == [nil] && settings("{}").rebalance == .sticky)
        #expect(try settings("{ run_on: 'one', shards: 4 }").shards == [nil])
        let parts = try settings("{ run_on: 'shards', shards: 3 }")
        #expect(parts.shards == (0..<3).map { RoutineShard($0, of: 3) } && parts.rebalance == .move)
        #expect(try settings("{ run_on: 'shards', shards: 3, rebalance: 'sticky' }").rebalance == .sticky)
        #expect(try settings("{ run_on: 'one', rebalance: 'move' }").rebalance == .move)
    }

    @Test func `a host that runs joins no cluster any more, and leaves none`() throws {
        let layers = try layers("{ run_on: 'one' }")
        var configuration = try host("{ cluster: { store: 's' } }")
        configuration.isInCluster = false
        let fault = #expect(throws: ConfigurationError.self) { try configuration.checkRunOn(layers, at: .plugin) }
        #expect(fault.map { "\($0)" }?.contains("start it again") == true)
        configuration = try host("{}")
        configuration.isInCluster = true
        try configuration.checkRunOn(layers, at: .plugin)
    }
}

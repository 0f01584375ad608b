import HostValues
import Testing

@testable import HostPolicy

/// What holds for the instances of a plugin.
@Suite struct InstanceTests {
    private func layers(host: String = "{}", file: String) throws -> PluginLayers {
        PluginLayers(
            block: try HostConfiguration(parsing: Array(host.utf8), file: "H").plugins["market"],
            file: try PluginConfiguration(parsing: Array(file.utf8), file: "F"))
    }

    private func settings(_ layers: PluginLayers, _ instance: String?) -> EffectiveSettings {
        let market = ConfigurationSamples.market
        return EffectiveSettings(of: market.routines[0], in: market, layers.instance(instance))
    }

    @Test func theNearerWordWins() throws {
        let layers = try layers(
            host: "{ plugins: { market: { wait_ms: 1, instances: { a: { wait_ms: 2, max_cycles: 9 } } } } }",
            file: """
                { instances: { a: { params: { port: 81 }, routines: { sample: { wait_ms: 5 } } }, b: { wait_ms: 4 } },
                  params: { port: 80, mode: 'slow' }, routines: { sample: { timeout_ms: 7 } } }
                """)
        #expect(layers.instances == ["a", "b"])
        let (a, b) = (settings(layers, "a"), settings(layers, "b"))
        #expect(a.waitMs == 5 && a.maxCycles == 9 && a.timeoutNanoseconds == 7_000_000)
        #expect(a.paramsJSON.contains(#""mode":"slow""#) && a.paramsJSON.contains(#""port":81"#))
        #expect(b.waitMs == 4 && b.maxCycles == 5 && b.paramsJSON.contains(#""port":80"#))
    }

    @Test(arguments: [
        ("shared", Isolation.plugin), ("plugin", .plugin), ("routine", .routine),
    ])
    func anInstanceSharesNoWorker(isolation: String, its: Isolation) throws {
        let file = "{ isolation: '\(isolation)', instances: { a: {} } }"
        let layers = try layers(file: file).expanded { _, _ in .text("") }
        #expect(settings(layers, "a").isolation == its)
        #expect(settings(layers, nil).isolation.rawValue == isolation)
        let market = ConfigurationSamples.market
        let commandLine = ConfigurationLayer(commandLine: [.isolation: .word(isolation)])
        let ordered = EffectiveSettings(
            of: market.routines[0], in: market, layers.instance("a"), commandLine: commandLine)
        #expect(ordered.isolation == its)
    }

    @Test func parametersOfInstancesAreExpandedToo() throws {
        let layers = try layers(file: "{ instances: { a: { params: { name: '${env:A}' } } } }")
        let expanded = try layers.expanded { _, _ in .text("x") }
        #expect(settings(expanded, "a").paramsJSON.contains(#""name":"x""#))
        #expect(throws: ConfigurationError.self) { try layers.expanded { _, _ in .absent("none") } }
    }

    @Test(arguments: [
        ("m", "m", true), ("m@a", "m", true), ("m@a", "m@a", true), ("m@ab", "m@a", false), ("m@a", "m@", false),
        ("mm", "m", false), ("m", "m@a", false), ("m", "", false),
    ])
    func whomAWordMeans(plugin: String, word: String, isMeant: Bool) {
        #expect(InstanceName.matches(plugin, by: word) == isMeant)
    }

    @Test func aPlanOfWhoComesAndGoes() {
        let plan = InstancePlan(wanted: ["a", "b"], present: [(1, "b"), (2, nil), (3, "c")])
        #expect(plan.stay == [1] && plan.go == [2, 3] && plan.come == ["a"])
        let plain = InstancePlan(wanted: [], present: [(1, "b")])
        #expect(plain.go == [1] && plain.come == [nil])
        #expect(InstancePlan(wanted: [], present: [(1, nil)]).stay == [1])
    }
}

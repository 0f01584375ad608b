import HostTestKit
import HostValues
import Testing

@testable import HostPolicy

/// Configuration files: what they say, what is merged, and every sentence about a mistake.
@Suite struct ConfigurationTests {
    private func plugin(_ text: String) throws(ConfigurationError) -> PluginConfiguration {
        try PluginConfiguration(parsing: Array(text.utf8), file: "market.json5", isZone: { $0 == "UTC" })
    }

    private func host(_ text: String) throws(ConfigurationError) -> HostConfiguration {
        try HostConfiguration(parsing: Array(text.utf8), file: "schedhost.json5")
    }

    private func effective(
        _ routine: Int = 0, host: String = "{}", file: String = "{}", commandLine: [SettingKey: SettingValue] = [:]
    ) throws -> EffectiveSettings {
        let market = ConfigurationSamples.market
        return EffectiveSettings(
            of: market.routines[routine], in: market, host: try self.host(host).layer,
            PluginLayers(block: try self.host(host).plugins[market.id], file: try plugin(file)),
            commandLine: ConfigurationLayer(commandLine: commandLine))
    }

    @Test(arguments: ConfigurationMistakes.all) func everyMistakeHasItsSentence(mistake: ConfigurationMistakes.Mistake)
    {
        let bytes = Array(mistake.text.replacing("~", with: "\n").utf8)
        var found: [String] = []
        do throws(ConfigurationError) {
            switch mistake.reader {
            case .host: _ = try HostConfiguration(parsing: bytes, file: "F")
            case .plugin: _ = try PluginConfiguration(parsing: bytes, file: "F")
            case .declared:
                try PluginConfiguration(parsing: bytes, file: "F").check(against: ConfigurationSamples.market)
            }
        } catch { found = error.problems.map(\.description) }
        #expect(found == mistake.sentences)
    }

    @Test(arguments: Isolation.allCases) func limitsOfOneRoutineWantAWorkerOfItsOwn(isolation: Isolation) throws {
        let file = try plugin(
            """
            { limits: { memory_mb: 64 }, routines: { report: { wait_ms: 5,
              limits: { open_files: 32,
                        processes: 0 } } } }
            """)
        var found: [String] = []
        do throws(ConfigurationError) { try file.checkLimits(at: isolation) } catch {
            found = error.problems.map(\.description)
        }
        let why =
            "is a worker's, and with isolation \"\(isolation.rawValue)\" routines share one: "
            + "set isolation: \"routine\", or this for the whole plugin"
        let places = ["2:25: routines.report.limits.open_files", "3:24: routines.report.limits.processes"]
        #expect(found == (isolation == .routine ? [] : places.map { "market.json5:\($0): \(why)" }))
    }

    @Test func allMistakesOfAFileAreToldInTheirOrderUpToTwenty() throws {
        let lines = (0..<25).map { "  key\($0): 1," }
        let text = "{\n  routines: { a: { wait_ms: -1 } },\n" + lines.joined(separator: "\n") + "\n}"
        let error = #expect(throws: ConfigurationError.self) { try plugin(text) }
        #expect(error?.problems.count == 20)
        #expect(error?.omitted == 6)
        #expect(error?.description.hasSuffix("\nand 6 more mistakes") == true)
        let places = try #require(error).problems.compactMap { $0.position?.line }
        #expect(places == places.sorted())

        let two = #expect(throws: ConfigurationError.self) {
            try plugin("{ routines: { a: { x: 1 } },\n y: 1, wait_ms: -1 }")
        }
        #expect(two?.problems.map(\.keyPath) == ["routines.a.x", "y", "wait_ms"])
    }

    @Test(.timeLimit(.minutes(1))) func aFileOfGarbageIsSoonRead() {
        let text = "{" + (0..<60_000).map { "wait_mz\($0): 1," }.joined() + "}"
        let error = #expect(throws: ConfigurationError.self) { try plugin(text) }
        #expect(error?.omitted == 59_980)
    }

    @Test func aWholeFileIsUnderstood() throws {
        let settings = try effective(
            file: """
                // what the bot does
                {
                    wait_ms: 5e3, max_cycles: 0x10, until: '2026-11-24T18:30:00+01:00', "timeout_ms": 0,
                    isolation: "routine", enabled: false, on_error: "retry", retry: { delay_ms: 20, attempts: 7 },
                    restart: {
                        first_delay_ms: 1, max_delay_ms: 2, jitter_percent: 3, reset_after_ms: 4, same_cause_failures: 5,
                        same_cause_window_ms: 6000, any_cause_failures: 7, any_cause_window_ms: 8000,
                        probe_after_ms: [9000, 10000,], shortage_delay_ms: 300,
                    },
                    limits: { memory_mb: 64, open_files: 128, processes: 8, cpu_percent: 50 },
                    caches: { durability: "power", value_mb: 2, memory_mb: 9, disk_files: 100, disk_mb: 0 },
                    on_failure: { command: ["/bin/cat", "-v"], timeout_ms: 2000 },
                    params: { port: 81, name: "ü", ratio: 1 },
                    routines: { sample: { wait_ms: 7, caches: { disk_mb: 7 }, params: { mode: "slow" } } },
                }
                """)
        #expect(settings.waitMs == 7)
        #expect(settings.maxCycles == 16)
        #expect(settings.until == .moment(1_795_541_400_000))
        #expect(settings.timeoutNanoseconds == nil)
        #expect(settings.isolation == .routine)
        #expect(!settings.isEnabled)
        #expect(settings.onError == ErrorDefault(decision: .retry, retryMs: 20, attempts: 7))
        var restart = RestartSettings()
        restart.intervalMs = 7
        restart.firstDelayMs = 1
        restart.maxDelayMs = 2
        restart.jitterPercent = 3
        restart.resetAfterMs = 4
        restart.sameCauseFailures = 5
        restart.sameCauseWindowMs = 6000
        restart.anyCauseFailures = 7
        restart.anyCauseWindowMs = 8000
        restart.probeAfterMs = [9000, 10_000]
        restart.shortageDelayMs = 300
        #expect(settings.restart.value == restart)
        #expect(
            settings.limits
                == WorkerLimits(
                    memoryMb: 64, openFiles: 128, processes: 8, cpuPercent: 50, cacheValueMb: 2, cacheMemoryMb: 9,
                    sandbox: SandboxSettings(level: .on)))
        #expect(settings.caches == CacheSettings(durability: .power, diskFiles: 100, diskMb: 7))
        #expect(WorkerLimits(arguments: settings.limits.arguments) == settings.limits)
        #expect(settings.onFailureCommand == ["/bin/cat", "-v"])
        #expect(settings.onFailureTimeoutMs == 2000)
        #expect(
            settings.paramsJSON == #"{"mode":"slow","name":"ü","port":81,"ratio":1.0,"verbose":false}"#)
    }

    @Test func withoutFilesTheDescriptorAndTheBuiltInNumbersHold() throws {
        let settings = try effective()
        #expect(settings.waitMs == 1000 && settings.maxCycles == 5 && settings.until == .never)
        #expect(settings.timeoutNanoseconds == 60_000_000_000)
        var restart = RestartSettings()
        restart.intervalMs = 1000
        #expect(settings.isolation == .plugin && settings.restart.value == restart)
        #expect(settings.isEnabled && settings.onError == ErrorDefault())
        #expect(settings.limits == WorkerLimits(sandbox: SandboxSettings(level: .on)))
        #expect(settings.caches == CacheSettings(durability: .process, diskFiles: 10_000, diskMb: 1024))
        #expect(settings.limits.cacheValueMb == 16 && settings.limits.cacheMemoryMb == 256)
        #expect(settings.onFailureCommand.isEmpty && settings.onFailureTimeoutMs == 10_000)
        #expect(try effective(1).timeoutNanoseconds == 9_000_000_000)
        #expect(settings.settings[.waitMs]?.origin == .descriptor)
        #expect(settings.settings[.isolation]?.origin == .builtIn)
        #expect(settings.params["port"] == ParameterSetting(.integer(8080), from: .descriptor))
    }

    /// Each source wins over all those before it.
    @Test func theOrderOfTheSources() throws {
        let sources: [(host: String, file: String, line: UInt64?, expected: UInt64, origin: String)] = [
            ("{}", "{}", nil, 1000, "plugin"),
            ("{ wait_ms: 1 }", "{}", nil, 1, "schedhost.json5:1"),
            ("{ wait_ms: 1,\nplugins: { market: { wait_ms: 2 } } }", "{}", nil, 2, "schedhost.json5:2"),
            (
                "{ wait_ms: 1, plugins: { market: { wait_ms: 2,\n\nroutines: { sample: { wait_ms: 3 } } } } }", "{}",
                nil, 3,
                "schedhost.json5:3"
            ),
            (
                "{ plugins: { market: { routines: { sample: { wait_ms: 3 } } } } }", "{ wait_ms: 4 }", nil, 4,
                "market.json5:1"
            ),
            ("{}", "{ wait_ms: 4,\n routines: { sample: { wait_ms: 5 } } }", nil, 5, "market.json5:2"),
            ("{}", "{ wait_ms: 4, routines: { sample: { wait_ms: 5 } } }", 6, 6, "command line"),
            ("{ plugins: { other: { wait_ms: 2 } } }", "{ routines: { report: { wait_ms: 5 } } }", nil, 1000, "plugin"),
        ]
        for source in sources {
            let settings = try effective(
                host: source.host, file: source.file, commandLine: source.line.map { [.waitMs: .integer($0)] } ?? [:])
            #expect(settings.waitMs == source.expected)
            #expect(settings.settings[.waitMs]?.origin.description == source.origin)
        }
    }

    /// A routine runs by a wait or by a schedule: of the two the last source's holds.
    @Test func aScheduleOrAWait() throws {
        let both = try effective(host: "{ wait_ms: 7 }", file: "{ schedule: 'Mon..Fri 09:30' }")
        #expect(both.waitMs == 0 && both.timing.schedules == ["Mon..Fri 09:30"] && !both.timing.isPlain)
        #expect(both.timeoutNanoseconds == 3_600_000_000_000 && both.settings[.waitMs] == nil)
        let back = try effective(host: "{ schedule: 'daily' }", file: "{ wait_ms: 7, align: true, align_offset_ms: 3 }")
        #expect(
            back.waitMs == 7 && back.timing.schedules.isEmpty && back.timing.aligns && back.timing.alignOffsetMs == 3)
        let list = try effective(
            file:
                "{ schedule: ['30 9 * * 1-5', 'Sat 10:00'], dst: 'wall', deadline_ms: 5, catch_up: 'none', jitter_ms: 9, first: 'due' }"
        )
        var timing = RoutineTiming()
        timing.schedules = ["30 9 * * 1-5", "Sat 10:00"]
        (timing.dst, timing.deadlineMs, timing.catchUp, timing.jitterMs, timing.first) = (.wall, 5, .none, 9, .due)
        #expect(list.timing == timing)
        #expect(list.listing.contains { $0.key == "schedule" && $0.value == #"["30 9 * * 1-5", "Sat 10:00"]"# })
        #expect(try effective().timing == RoutineTiming() && effective().timing.beginsNow)
        // Nothing to lay on a grid.
        #expect(try !effective(file: "{ wait_ms: 0, align: true }").timing.aligns)
    }

    @Test func partsOfAGroupComeFromDifferentSources() throws {
        let settings = try effective(
            host: "{ limits: { memory_mb: 64, open_files: 100 }, on_failure: ['/bin/a'] }",
            file: "{ limits: { memory_mb: 0 }, on_failure: { timeout_ms: 500 } }")
        #expect(settings.limits == WorkerLimits(openFiles: 100, sandbox: SandboxSettings(level: .on)))
        #expect(settings.onFailureCommand == ["/bin/a"] && settings.onFailureTimeoutMs == 500)
    }

    @Test func aHookOfTheHostCanBeTurnedOff() throws {
        #expect(try effective(host: "{ on_failure: ['/bin/a'] }", file: "{ on_failure: [] }").onFailureCommand == [])
        #expect(try effective(host: "{ until: '18:00' }", file: "{ until: 'never' }").until == .never)
    }

    @Test func theListingShowsEachValueWithItsOrigin() throws {
        let settings = try effective(
            host: "{ isolation: 'shared' }",
            file: "{ params: { port: 99 }, until: '08:05', on_failure: ['a b', 'c\"'] }",
            commandLine: [.maxCycles: .integer(3)])
        let lines = settings.listing.map { "\($0.key) = \($0.value) (\($0.origin))" }
        #expect(lines.count == SettingKey.allCases.count { !$0.isOfCluster } + 4)
        for line in [
            "wait_ms = 1000 (plugin)", "max_cycles = 3 (command line)", "until = 08:05 (market.json5:1)",
            "timeout_ms = automatic (built in)", "isolation = shared (schedhost.json5:1)",
            "restart.probe_after_ms = [600000, 1800000, 3600000] (built in)",
            #"on_failure.command = ["a b", "c\""] (market.json5:1)"#, "params.port = 99 (market.json5:1)",
            #"params.mode = "fast" (plugin)"#,
        ] {
            #expect(lines.contains(line))
        }
    }

    @Test func everyKeyIsReadFromAFileAtItsPath() throws {
        for key in SettingKey.allCases {
            let value =
                switch key.shape {
                case .integer(let range, _, _): "\(range.upperBound)"
                case .integers(let range, _, _): "[\(range.lowerBound), \(range.upperBound)]"
                case .word(let words): "\"\(words[0])\""
                case .flag: "false"
                case .until: "\"23:59\""
                case .command: "[\"x\"]"
                case .schedules: "\"daily\""
                case .zone: "\"UTC\""
                case .name, .plainName: "\"heavy\""
                case .grants(.paths, _): "[\"/a\", \"/b\"]"
                case .grants(.ports, _): "[80, 443]"
                case .grants(.calls, _): "[\"ptrace\", \"kcmp\"]"
                case .grants(.variables, _): "[\"A\", \"B\"]"
                }
            let needsStore = key.isOfCluster && key != .clusterStore
            let inner = "\(key.name): \(value)" + (needsStore ? ", store: \"s\"" : "")
            let text = "{ \(key.group.map { "\($0): { \(inner) }" } ?? inner) }"
            let layer = key.isHostWide ? try host(text).layer : try plugin(text).layer
            #expect(Set(layer.settings.keys) == Set([key] + (needsStore ? [.clusterStore] : [])))
            #expect(
                layer.settings[key]?.value.description.filter { $0 != "\"" }
                    == value.filter { $0 != "\"" })
            if let builtIn = key.builtIn, case .integer(let number) = builtIn,
                case .integer(let range, _, let zero) = key.shape
            {
                #expect(range.contains(number) || (number == 0 && zero != nil))
            }
        }
    }

    @Test func undeclaredParametersMayBeAnyJSON() throws {
        let bare = PluginDescription(
            id: "bare", version: "1", description: nil, isSerial: false, parameters: [],
            routines: ConfigurationSamples.market.routines)
        let file = try plugin("{ params: { a: { b: [1, null, true, 'x\\n', 1.5] }, 'ä b': -3 } }")
        try file.check(against: bare)
        let settings = EffectiveSettings(of: bare.routines[0], in: bare, PluginLayers(block: nil, file: file))
        #expect(settings.paramsJSON == #"{"a":{"b":[1,null,true,"x\n",1.5]},"ä b":-3}"#)
    }

    @Test func parametersFitTheirDeclaration() throws {
        for text in [
            "{ port: 1, ratio: 0, mode: 'slow', verbose: true, name: '' }", "{ port: 65535.0, ratio: 1.0 }", "{}",
        ] {
            try plugin("{ params: \(text), routines: { report: { params: \(text) } } }").check(
                against: ConfigurationSamples.market)
        }
        #expect(
            try effective(file: "{ params: { port: 81.0, ratio: 1 } }").paramsJSON.contains(#""port":81,"ratio":1.0"#))
    }
}

/// What a plugin declares of its parameters.
@Suite struct ParameterDeclarationTests {
    typealias Kind = PluginDescription.Parameter.Kind

    static let declarations: [(Kind, String?, String?, String?)] = [
        (.int, nil, nil, nil), (.int, "5", "1..10", nil), (.int, "5", "..10", nil), (.int, "5", "5..", nil),
        (.int, "-5", "-10..-1", nil), (.int, "2", "1|2|3", nil), (.double, "0.5", "0.25..0.75", nil),
        (.double, "1e3", "..", nil), (.string, "a", "a|b", nil), (.string, "a..b", nil, nil), (.bool, "true", nil, nil),
        (.int, "5x", nil, #"parameter p: the default "5x" is not a whole number"#),
        (.int, "", nil, #"parameter p: the default "" is not a whole number"#),
        (.int, "11", "1..10", "parameter p: the default must be a whole number from 1 to 10, not 11"),
        (.int, "11", "..10", "parameter p: the default must be a whole number up to 10, not 11"),
        (.int, "4", "5..", "parameter p: the default must be a whole number from 5, not 4"),
        (.int, "4", "1|2", "parameter p: the default must be one of 1, 2, not 4"),
        (.int, nil, "1-10", #"parameter p: the range "1-10" is not like "1..10" or "1|2|3", in the parameter's type"#),
        (
            .int, nil, "10..1",
            #"parameter p: the range "10..1" is not like "1..10" or "1|2|3", in the parameter's type"#
        ),
        (
            .int, nil, "1...5",
            #"parameter p: the range "1...5" is not like "1..10" or "1|2|3", in the parameter's type"#
        ),
        (
            .int, nil, "0.5..1",
            #"parameter p: the range "0.5..1" is not like "1..10" or "1|2|3", in the parameter's type"#
        ),
        (.int, nil, "", #"parameter p: the range "" is not like "1..10" or "1|2|3", in the parameter's type"#),
        (.double, "nan", nil, #"parameter p: the default "nan" is not a number"#),
        (
            .double, nil, "nan..1",
            #"parameter p: the range "nan..1" is not like "1..10" or "1|2|3", in the parameter's type"#
        ),
        (.bool, "yes", nil, #"parameter p: the default "yes" is not true or false"#),
        (.bool, nil, "1..2", #"parameter p: the range "1..2" is not like "1..10" or "1|2|3", in the parameter's type"#),
        (.string, "c", "a|b", #"parameter p: the default must be one of a, b, not "c""#),
        (.string, nil, "a||b", #"parameter p: the range "a||b" is not like "a|b|c""#),
    ]

    @Test(arguments: declarations)
    func declarationsAreChecked(kind: Kind, defaultValue: String?, range: String?, expected: String?) {
        let parameter = PluginDescription.Parameter(
            name: "p", type: kind, defaultValue: defaultValue, range: range, description: nil)
        #expect(parameter.problem == expected)
    }

    @Test func wholeNumbersAreComparedExactly() {
        let parameter = PluginDescription.Parameter(
            name: "p", type: .int, defaultValue: nil, range: "1..9007199254740992", description: nil)
        #expect(parameter.accepts(.integer(9_007_199_254_740_992)))
        #expect(!parameter.accepts(.integer(9_007_199_254_740_993)))
    }
}

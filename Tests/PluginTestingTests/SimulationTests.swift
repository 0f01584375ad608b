import PluginTesting
import Synchronization
import Testing

private let greeting = Parameter("greeting", default: "hello", range: "hello|good morning")
private let rounds = Parameter("rounds", default: 3, range: "1..9")
private let quotes = CacheMemory("quotes", expire: .seconds(30)) { () throws -> [Double] in
    throw Failure(code: 9, "a test has no server")
}
private let symbols = Cache("symbols", expire: .seconds(600)) { (key: String) in key + " of the market" }
private let ahead = CacheMemory("ahead", expire: .seconds(60), refreshAfter: .seconds(20)) { 1 }

private let waited = CacheMemory("waited", expire: .seconds(30)) { () async throws -> Int in
    async let one = 1
    try await Task.sleep(for: .milliseconds(1))
    return await one + (Scheduler.current == nil ? 100 : 1)
}
private let away = CacheMemory("away", expire: .seconds(30)) { () async throws -> Int in
    await Task.yield()
    throw Unlucky()
}

private struct Old: Codable { var euro: Double }
private struct New: Codable {
    var euro: Double
    var bank: String
}
private let before = Cache("rates", expire: nil) { Old(euro: 2) }
private let after = Cache(
    "rates", expire: nil, codec: .json.migrating(from: Old.self) { New(euro: $0.euro, bank: "unknown") }
) { New(euro: 3, bank: "central") }

@MainActor private enum Visits {
    static var count = 0

    static func add() -> Int {
        count += 1
        return count
    }
}
private let onMainActor = Plugin("main", version: "1") {
    Routine("visit", wait: .seconds(1)) { scheduler in
        let count = await Visits.add()
        scheduler.log.info("\(count)")
    }
}

private func rates(_ version: Int) -> Plugin {
    Plugin("rates", version: "\(version)") {
        Routine("show", wait: .seconds(60)) { scheduler in
            if version == 1 {
                try scheduler.log.info("\(before().euro)")
            } else {
                let now = try after.answer()
                scheduler.log.info("\(now.value.euro) \(now.value.bank) \(now.state) \(now.age.components.seconds)")
            }
        }
    }
}

private struct Unlucky: Error, Equatable {}

private let poller = Plugin("poller", version: "1.0.0", parameters: [greeting, rounds]) {
    Routine("greet", wait: .seconds(1)) { scheduler in
        scheduler.log.info("\(scheduler[greeting]), cycle \(scheduler.cycle)")
    }
    Routine(
        "snapshot", wait: .seconds(5),
        run: { (scheduler: Scheduler) throws -> Void in
            let best = try quotes().max() ?? 0
            scheduler.log.debug("best: \(best)")
        },
        stats: { scheduler in scheduler.stat("cycles", scheduler.cycle) })
    Routine("lookup", wait: .seconds(60)) { scheduler in
        try scheduler.log.info(symbols(key: "A"))
    }
    Routine("inline", wait: .seconds(10)) { scheduler in
        let value = try scheduler.cacheMemory("inline", expire: .seconds(20)) { 1 }
        scheduler.log.info("\(value)")
    }
    Routine("asks", wait: .seconds(10)) { scheduler in try scheduler.log.info("\(waited())") }
    Routine("asks-async", wait: .seconds(10)) { scheduler async throws in
        async let other = 1
        let value = try waited()
        let sum = await other + value
        scheduler.log.info("\(sum)")
    }
    Routine("away", wait: .seconds(60)) { _ in _ = try away() }
    Routine("ahead", wait: .seconds(10)) { _ in _ = try ahead() }
    Routine(
        "careful", wait: .seconds(10), run: { (_: Scheduler) throws -> Void in },
        onError: { scheduler, error in
            scheduler.log.warning("\(error.code) \(error.message) \(error.underlying as? Unlucky != nil)")
            return error.attempt < 3 ? .retry(after: .seconds(1)) : .default
        })
    Routine("waits", wait: .seconds(10)) { scheduler async throws in
        async let one = 1
        let sum = await one + 1
        scheduler.log.info("\(sum)")
    }
    Routine("daily", schedule: "02:30 Europe/Berlin") { scheduler in
        scheduler.log.info("\(scheduler.dueMilliseconds ?? 0)")
    }
    Routine("naps", wait: .seconds(10)) { scheduler in _ = scheduler.sleep(.seconds(25)) }
}

@Suite struct SimulationTests {
    @Test func `an hour has a cycle for each second, and takes a moment`() throws {
        let run = try Simulation(poller, "greet").run(for: .hours(1))
        #expect(run.cycles == 3600 && run.failures == 0 && run.length == .hours(1))
        #expect(run.routines.map(\.name) == ["greet"])
        #expect(try run["greet"].sessions == 1)
        #expect(run.log.last?.isHosts == true && run.log.last?.routine == "greet")
        #expect(run.texts(of: "greet").count == 3600)
        #expect(run.log.contains { $0.at == .seconds(59) && $0.text == "hello, cycle 59" })
        #expect(run.records.map(\.reason) == ["until"])
        #expect(run.failedRecords.isEmpty)
    }

    @Test func `two runs are the same`() throws {
        var simulation = Simulation(poller, "careful", "greet")
        simulation.fail(cycle: 3, of: "careful", attempts: 5)
        let first = try simulation.run(for: .hours(1))
        let second = try simulation.run(for: .hours(1))
        #expect(first.log == second.log && first.log.count > 3600)
    }

    @Test func `what is to happen to a routine that the plugin does not have is a mistake`() throws {
        var simulation = Simulation(poller, "greet")
        simulation.fail(cycle: 0, of: "gret")
        let error = #expect(throws: SimulationError.self) { try simulation.run(for: .seconds(1)) }
        #expect(error?.description.contains("no routine \"gret\"") == true, "\(String(describing: error))")
        var other = Simulation(poller, "greet")
        other.before("snap") { _ in }
        #expect(throws: SimulationError.self) { try other.run(for: .seconds(1)) }
    }

    @Test func `a parameter is set by its declaration or its name`() throws {
        var simulation = Simulation(poller, "greet")
        #expect(simulation[greeting] == "hello" && simulation[rounds] == 3)
        simulation[greeting] = "good morning"
        simulation.set("rounds", to: 4)
        #expect(simulation[greeting] == "good morning" && simulation[rounds] == 4)
        #expect(try simulation.run(for: .seconds(1)).texts(of: "greet") == ["good morning, cycle 0"])
        simulation[greeting] = "good night"
        let error = #expect(throws: SimulationError.self) { try simulation.run(for: .seconds(1)) }
        #expect(error?.description.contains("greeting must be one of") == true, "\(String(describing: error))")
    }

    @Test func `a configuration holds as it would beside the plugin`() throws {
        var simulation = Simulation(poller, "greet")
        simulation.configuration = "{ wait_ms: 500, params: { greeting: \"good morning\" } }"
        let run = try simulation.run(for: .seconds(10))
        #expect(run.cycles == 20 && run.texts(of: "greet").first == "good morning, cycle 0")
        simulation.configuration = "{ wait_m: 500 }"
        let error = #expect(throws: SimulationError.self) { try simulation.run(for: .seconds(1)) }
        #expect(error?.description.contains("poller.json5:1:3") == true, "\(String(describing: error))")
    }

    @Test func `a routine that is not there is named`() throws {
        let wrong = #expect(throws: SimulationError.self) { try Simulation(poller, "gret").run(for: .seconds(1)) }
        #expect(wrong?.description.contains("poller has no routine 'gret'; did you mean greet? it has greet") == true)
        let run = try Simulation(poller, "greet").run(for: .seconds(1))
        #expect(throws: SimulationError.self) { try run["gret"] }
        #expect(throws: SimulationError.self) { try Simulation(poller, start: "tomorrow").run(for: .seconds(1)) }
        #expect(throws: SimulationError.self) {
            try Simulation(poller, start: "1969-01-01T00:00:00Z").run(for: .seconds(1))
        }
    }

    // MARK: Sources

    @Test func `a declared cache gets its values from the test`() throws {
        var simulation = Simulation(poller, "snapshot")
        simulation.logLevel = .debug
        simulation.replace(quotes) { [1, 7, 3] }
        let run = try simulation.run(for: .days(1))
        #expect(run.cycles == 17_280 && run.failures == 0)
        // Asked each 5 s, and served up to an age of 30 s: each seventh cycle loads.
        #expect(run.counts(of: quotes).loads == 2469 && run.counts(of: quotes).hits == 14_811)
        #expect(try run["snapshot"].counts(of: quotes) == run.counts(of: quotes))
        #expect(run.texts(of: "snapshot").first { $0.hasPrefix("best") } == "best: 7.0")
        #expect(run.records.last?.stats["cycles"] == 17_280)
        #expect(run.records.last?.stats["cache.quotes.loads"] == 2469)
    }

    @Test func `what is not replaced is the author's, and another run has nothing of the one before`() throws {
        var replaced = Simulation(poller, "snapshot")
        replaced.replace(quotes) { [1] }
        #expect(try replaced.run(for: .minutes(1)).failures == 0)
        let run = try Simulation(poller, "snapshot").run(for: .minutes(1))
        #expect(run.failures > 0 && run.counts(of: quotes).loads == 0)
        #expect(run.failedRecords.first?.text == "a test has no server")
        #expect(run.failedRecords.first?.errorCycle == 0)
    }

    @Test func `a cache on disk, by key, and one that stays for the next run`() async throws {
        let asked = Mutex<[String]>([])
        var simulation = Simulation(poller, "lookup")
        simulation.replace(symbols) { key in
            asked.withLock { $0.append(key) }
            return "\(key) of the test"
        }
        try await withTemporaryFolder { folder in
            simulation.state = folder
            let first = try await simulation.run(for: .minutes(5))
            #expect(asked.withLock { $0 } == ["A"] && first.counts(of: symbols).hits == 4)
            #expect(first.texts(of: "lookup").first == "A of the test")
            simulation.start = "2026-01-01T00:06:00Z"
            let second = try await simulation.run(for: .minutes(1))
            #expect(second.counts(of: symbols).loads == 0 && second.counts(of: symbols).hits == 1)
            // Of what was made later than now nobody knows the age.
            simulation.start = "2025-12-31T23:00:00Z"
            #expect(try await simulation.run(for: .minutes(1)).counts(of: symbols).loads == 1)
        }
    }

    @Test func `a cache that is declared where it is used`() throws {
        var simulation = Simulation(poller, "inline")
        simulation.replace(cacheNamed: "inline") { _ in 42 }
        let run = try simulation.run(for: .minutes(1))
        #expect(run.texts(of: "inline").allSatisfy { $0 == "42" } && run.counts(ofCacheNamed: "inline").loads == 2)
        simulation.replace(cacheNamed: "inline") { _ in "42" }
        let wrong = try simulation.run(for: .seconds(5))
        #expect(wrong.failedRecords.first?.text.contains("makes another type") == true)
    }

    @Test func `a cache that is refreshed ahead`() throws {
        var simulation = Simulation(poller, "ahead")
        let count = Mutex(0)
        simulation.replace(ahead) {
            count.withLock {
                $0 += 1; return $0
            }
        }
        let run = try simulation.run(for: .minutes(10))
        #expect(run.counts(of: ahead).loads == count.withLock { $0 } && count.withLock { $0 } > 10)
    }

    @Test func `loads that fail, by their number`() throws {
        var simulation = Simulation(poller, "snapshot")
        simulation.replace(quotes) { [1] }
        simulation.fail(quotes, loads: 1..<3, with: Failure(code: 5, "away"))
        let run = try simulation.run(for: .hours(1))
        #expect(run.counts(of: quotes).failures == 2)
        #expect(run.failedRecords.first?.text == "away" && run.failedRecords.first?.began == .zero)
        // Good again: the rest of the hour is one session.
        let last = try #require(run.records.last)
        #expect(last.reason == "until" && last.failures == 0 && last.cycles > 600)
    }

    @Test func `an async source, asked by a cycle and by an async one`() async throws {
        let run = try await Simulation(poller, "asks", "asks-async", "away").run(for: .minutes(10))
        #expect(run.texts(of: "asks").allSatisfy { $0 == "2" } && run.texts(of: "asks-async").allSatisfy { $0 == "3" })
        #expect(try run["asks"].cycles == 60 && run["asks"].counts(of: waited).loads == 15)
        #expect(run.failedRecords.allSatisfy { $0.routine == "away" && $0.text == "Unlucky()" })
        #expect(!run.failedRecords.isEmpty)
    }

    @Test func `a value of an earlier type is read, with its age`() async throws {
        try await withTemporaryFolder { folder in
            var simulation = Simulation(rates(1))
            simulation.state = folder
            #expect(try await simulation.run(for: .seconds(1)).texts() == ["2.0"])
            simulation = Simulation(rates(2), start: "2026-01-01T00:05:00Z")
            simulation.state = folder
            let run = try await simulation.run(for: .seconds(1))
            #expect(run.texts() == ["2.0 unknown hit 300"] && run.counts(of: after).corrupt == 0)
        }
    }

    @Test func `a source that takes its time`() throws {
        var simulation = Simulation(poller, "snapshot")
        simulation.replace(quotes) {
            _ = Scheduler.current?.sleep(.seconds(12))
            return [1]
        }
        let run = try simulation.run(for: .minutes(10))
        #expect(run.failures == 0)
        #expect(try run["snapshot"].missed > 0)
    }

    // MARK: Cycles

    @Test func `a cycle that fails ends its session, and the next one goes on`() throws {
        var simulation = Simulation(poller, "greet")
        simulation.fail(cycle: 5, with: Failure(code: 7, "no bread"))
        let run = try simulation.run(for: .minutes(1))
        #expect(run.records.count == 2 && run.failures == 1)
        let record = try #require(run.failedRecords.first)
        #expect(record.text == "no bread" && record.errorCycle == 5 && record.ended == .seconds(5))
        #expect(run.records[1].began >= .seconds(6) && run.records[1].failures == 0)
        let said = run.log.filter(\.isHosts).map(\.text)
        #expect(said.count == 4 && said[0].contains("no bread") && said[1].hasPrefix("starts again in"), "\(said)")
    }

    @Test func `an author's hook sees the error that the test throws`() throws {
        var simulation = Simulation(poller, "careful")
        simulation.fail(cycle: 2, attempts: 2, with: Unlucky())
        let run = try simulation.run(for: .minutes(1))
        #expect(run.texts(of: "careful", from: .warning) == ["1 Unlucky() true", "1 Unlucky() true"])
        #expect(run.failedRecords.isEmpty && run.cycles == 6)
    }

    @Test func `what runs before a cycle is a part of it`() throws {
        var simulation = Simulation(poller, "greet", "careful")
        simulation.before("greet") { scheduler in
            scheduler.log.info("before \(scheduler.cycle)")
            if scheduler.cycle == 3 { scheduler.endSession("enough") }
        }
        let run = try simulation.run(for: .seconds(10))
        #expect(run.texts(of: "greet").prefix(4) == ["before 0", "hello, cycle 0", "before 1", "hello, cycle 1"])
        let record = try #require(run.records.first { $0.routine == "greet" })
        #expect(record.reason == "ended_by_routine" && record.text == "enough" && record.cycles == 4)
    }

    @Test func `it ends with the first failure where that is wanted`() throws {
        var simulation = Simulation(poller, "greet", "naps")
        simulation.fail(cycle: 9, of: "greet")
        simulation.endsWithFailure = true
        let run = try simulation.run(for: .days(1))
        #expect(run.length < .minutes(1) && run.failedRecords.first?.text == "the simulation lets this fail")
    }

    // MARK: Kinds of routines

    @Test func `an async routine, awaited`() async throws {
        let run = try await Simulation(poller, "waits").run(for: .hours(1))
        #expect(run.cycles == 360 && run.texts(of: "waits").allSatisfy { $0 == "2" })
    }

    /// That the main actor stays that of the test's process is looked at in a process of its own: see Tests/Install/check.
    @Test func `what a routine does on the main actor, awaited`() async throws {
        let run = try await Simulation(onMainActor).run(for: .minutes(1))
        #expect(run.cycles == 60 && run.texts().last == "60")
    }

    @MainActor @Test func `a test that holds the main actor is told to await the run`() async throws {
        let error = #expect(throws: SimulationError.self) { try Self.runHere(onMainActor) }
        #expect(error?.description.contains("try await simulation.run(for:)") == true)
        #expect(try Self.runHere(poller, "greet").cycles == 60)
    }

    @MainActor private static func runHere(_ plugin: Plugin, _ routines: String...) throws -> SimulationRun {
        var simulation = Simulation(plugin)
        if let routine = routines.first { simulation = Simulation(plugin, routine) }
        return try simulation.run(for: .minutes(1))
    }

    @Test func `a schedule goes by its time zone, across the end of summer time`() throws {
        let run = try Simulation(poller, "daily", start: "2026-10-23T00:00:00Z").run(for: .days(5))
        #expect(run.log.filter { $0.routine == "daily" }.count >= 5)
        #expect(run.log.first { $0.routine == "daily" }?.at == .minutes(30))
    }

    @Test func `many at once wait for each other`() async throws {
        try await withThrowingTaskGroup(of: Int.self) { group in
            for _ in 0..<20 {
                group.addTask { try await Simulation(poller, "greet", "waits").run(for: .minutes(10)).cycles }
            }
            for try await cycles in group { #expect(cycles == 660) }
        }
    }

    @Test func `cycles end with a session, and a session after so many`() throws {
        var simulation = Simulation(poller, "greet")
        simulation.maxCycles = 10
        let run = try simulation.run(for: .hours(1))
        #expect(run.cycles == 10 && run.records.map(\.reason) == ["max_cycles"])
    }
}

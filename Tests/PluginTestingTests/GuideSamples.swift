// The chapter "Tests in Swift" of the guide for authors, as it stands there: GuideTests compares the two.
import PluginTesting
import Testing

let currency = Parameter("currency", default: "EUR", range: "EUR|USD")
// Here it would ask a server.
let prices = CacheMemory("prices", expire: .seconds(30)) { [42.0, 43.5] }

let plugin = Plugin("market", version: "1.0.0", parameters: [currency]) {
    Routine(
        "snapshot", wait: .seconds(1),
        run: { (scheduler: Scheduler) throws -> Void in
            let best = try prices().max() ?? 0
            scheduler.log.info("best: \(best) \(scheduler[currency])")
        },
        onError: { _, error in error.attempt < 3 ? .retry(after: .seconds(10)) : .default })
    Routine("report", schedule: "Mon..Fri 09:30 Europe/Berlin") { scheduler in
        scheduler.log.info("the day begins")
    }
}

struct MarketTests {
    @Test func `the server is asked twice a minute at most`() throws {
        var simulation = Simulation(plugin, "snapshot")
        simulation.replace(prices) { [7, 1] }
        simulation[currency] = "USD"
        let run = try simulation.run(for: .days(1))
        #expect(run.cycles == 86_400 && run.failures == 0)
        #expect(run.counts(of: prices).loads <= 2 * 24 * 60)
        #expect(run.texts(of: "snapshot").first == "best: 7.0 USD")
    }

    @Test func `a server that is away twice costs no session`() throws {
        var simulation = Simulation(plugin, "snapshot")
        simulation.fail(prices, loads: 1..<3, with: Failure(code: 503, "away"))
        let run = try simulation.run(for: .hours(1))
        #expect(run.counts(of: prices).failures == 2)
        #expect(run.failedRecords.isEmpty)
    }

    @Test func `a cycle that fails for good ends its session, and the next one goes on`() throws {
        var simulation = Simulation(plugin, "snapshot")
        simulation.fail(cycle: 100, attempts: 3, with: Failure(code: 9, "no bread"))
        let run = try simulation.run(for: .hours(1))
        #expect(run.records.map(\.reason) == ["error", "until"])
        #expect(run.failedRecords.first?.text == "no bread")
        #expect(run.failedRecords.first?.errorCycle == 100)
    }

    @Test func `a server that takes its time delays nobody else`() throws {
        var simulation = Simulation(plugin, start: "2026-10-23T00:00:00Z")
        simulation.replace(prices) {
            _ = Scheduler.current?.sleep(.seconds(20))
            return [1]
        }
        let run = try simulation.run(for: .days(4))
        #expect(try run["snapshot"].missed > 0)
        let reports = run.log.filter { $0.routine == "report" && !$0.isHosts }
        // Friday by summer time, and Monday an hour later by the clock of the world: 09:30 in Berlin on both days.
        #expect(reports.map(\.at) == [.minutes(7 * 60 + 30), .minutes(3 * 1440 + 8 * 60 + 30)])
    }
}

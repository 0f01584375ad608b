// The chapter "Recipes" of the guide for authors, as it stands there: GuideTests compares the two.
import Foundation
import PluginTesting
import Synchronization
import Testing

struct TooManyRequests: Error { let retryAfter: Duration }

let limited = Routine(
    "limited", wait: .seconds(10),
    run: { (scheduler: Scheduler) throws -> Void in scheduler.log.info("asked") },
    onError: { _, error in
        guard let refusal = error.underlying as? TooManyRequests else { return .default }
        return .retry(after: refusal.retryAfter)
    })

@Test func `the next attempt comes when the server wants it`() throws {
    var simulation = Simulation(Plugin("limited", version: "1.0.0") { limited })
    simulation.fail(cycle: 1, with: TooManyRequests(retryAfter: .seconds(90)))
    let run = try simulation.run(for: .minutes(3))
    #expect(run.log.filter { !$0.isHosts }.prefix(2).map(\.at) == [.zero, .seconds(100)])
    #expect(run.failedRecords.isEmpty)
}

let rates = Cache("rates", expire: .seconds(600)) { 1.1 }

let converter = Routine("convert", wait: .seconds(60)) { scheduler in
    let rate = try rates.answer(tolerance: .seconds(86_400))
    if rate.state == .stale { scheduler.log.warning("the rate is \(rate.age.components.seconds / 60) minutes old") }
}

@Test func `a day without the server is a day with old rates`() throws {
    var simulation = Simulation(Plugin("converter", version: "1.0.0") { converter })
    simulation.fail(rates, loads: 1..<Int.max)
    let run = try simulation.run(for: .hours(20))
    #expect(run.failures == 0 && run.counts(of: rates).stale > 1000)
    #expect(run.texts(from: .warning).contains("the rate is 60 minutes old"))
}

let sent = Cache("sent", expire: nil, codec: .text) { _ in throw Failure("nothing was sent") }

let mail = Routine("mail", wait: .seconds(600)) { scheduler in
    let day = String(scheduler.nowMilliseconds / 86_400_000)
    if try sent.peek(key: day) != nil { return }
    scheduler.log.info("the mail of day \(day)")
    try sent.put("sent", key: day)
}

@Test func `one mail a day, also after a restart`() throws {
    let folder = FileManager.default.temporaryDirectory.path + "/mail-\(UUID())"
    defer { try? FileManager.default.removeItem(atPath: folder) }
    var simulation = Simulation(Plugin("mail", version: "1.0.0") { mail }, start: "2026-01-01T00:00:00Z")
    simulation.state = folder
    #expect(try simulation.run(for: .hours(36)).texts().count == 2)
    simulation.start = "2026-01-02T13:00:00Z"
    #expect(try simulation.run(for: .hours(10)).texts().isEmpty)
}

let queue = Mutex(Array(0..<250))

let worker = Routine("work", wait: .seconds(60)) { scheduler in
    let part = queue.withLock { queue in
        defer { queue.removeFirst(min(100, queue.count)) }
        return Array(queue.prefix(100))
    }
    scheduler.log.info("\(part.count) done")
    if part.count == 100 { scheduler.runAgainNow() }
}

@Test func `all is done in the first minute`() throws {
    let run = try Simulation(Plugin("worker", version: "1.0.0") { worker }).run(for: .minutes(1))
    #expect(run.texts() == ["100 done", "100 done", "50 done"])
}

let headline = CacheMemory("headline", expire: .zero) { "nothing new" }
let lastHeadline = Mutex("")
let idleRounds = Mutex(0)

let reader = Routine("read", wait: .seconds(5)) { scheduler in
    let now = try headline()
    let isNew = lastHeadline.withLock { last in
        defer { last = now }
        return last != now
    }
    let rounds = idleRounds.withLock { rounds in
        rounds = isNew ? 0 : min(rounds + 1, 6)
        return rounds
    }
    scheduler.setWait(.seconds(5 << rounds))
}

@Test func `an hour without news has few cycles`() throws {
    let simulation = Simulation(Plugin("reader", version: "1.0.0") { reader })
    #expect(try simulation.run(for: .hours(1)).cycles == 17)
}

let careful = Routine(
    "careful", wait: .seconds(60), maxCycles: 10,
    run: { (scheduler: Scheduler) throws -> Void in
        let failed = scheduler.history.prefix { $0.isFailure }.count
        scheduler.log.info(failed < 2 ? "everything" : "the least")
    })

@Test func `after two failures it does the least, until a session has ended well`() throws {
    var simulation = Simulation(Plugin("careful", version: "1.0.0") { careful })
    simulation.fail(cycle: 3, with: Failure("no bread"))
    simulation.fail(cycle: 5, with: Failure("no butter"))
    let run = try simulation.run(for: .hours(1))
    #expect(run.records.map(\.reason) == ["error", "error", "max_cycles"])
    #expect(run.texts().prefix(4) == ["everything", "everything", "everything", "everything"])
    #expect(run.texts().suffix(10) == Array(repeating: "the least", count: 10))
}

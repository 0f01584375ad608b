import HostTestKit
import HostValues
import Testing

@testable import HostStore

/// The way of one call to a shared value, in virtual time.
@Suite("A load that hosts share")
struct SharedLoadTests {
    static let value = SharedReading.Value(version: 20, begun: 10, produced: 5, bytes: [1])
    static let failure = SharedFailure(code: 7, text: "no network")

    static let events: [String: SharedLoad.Event] = [
        "found": .reading(SharedReading(value: value)), "nothing": .reading(SharedReading()),
        "loads": .reading(SharedReading(load: .running(version: 4))),
        "failed": .reading(SharedReading(load: .failed(version: 4, failure, left: 9))), "refused": .refused,
        "begun": .begun(30), "changed": .changed, "away": .away, "deadline": .deadline, "hint": .hint,
    ]
    static let states: [(name: String, events: [SharedLoad.Event])] = [
        ("reading", []), ("offering", [.reading(SharedReading(value: value))]),
        ("beginning", [.reading(SharedReading())]), ("waiting", [.reading(SharedReading(load: .running(version: 4)))]),
        ("over", [.away]),
    ]

    static func name(_ state: SharedLoad.State) -> String {
        switch state {
        case .reading: "reading"
        case .offering: "offering"
        case .beginning: "beginning"
        case .waiting: "waiting"
        case .over: "over"
        }
    }

    static func sign(_ step: SharedLoad.Step?) -> String {
        switch step {
        case .read: "R"
        case .offer: "O"
        case .begin: "B"
        case .wait: "W"
        case .load: "L"
        case .fail: "F"
        case .alone: "A"
        case nil: ""
        }
    }

    @Test("the table has every event and every state")
    func table() throws {
        let table = try StateTable(of: "Store/Sharing/SharedLoad.swift")
        #expect(table.states == Self.states.map(\.name))
        #expect(Set(table.rows.keys) == Set(Self.events.keys))
    }

    @Test("every state meets every event", arguments: Array(events.keys).sorted())
    func meets(_ name: String) throws {
        let event = try #require(Self.events[name])
        let cells = try #require(try StateTable(of: "Store/Sharing/SharedLoad.swift").rows[name])
        var found: [String] = []
        for column in Self.states {
            var load = SharedLoad(.init())
            for event in column.events { _ = load.handle(event, at: 0) }
            #expect(Self.name(load.state) == column.name)
            let before = load
            let step = load.handle(event, at: 1_000_000_000)
            if step == nil { #expect(load == before) }
            found.append((load.state == before.state ? "." : Self.name(load.state)) + Self.sign(step))
        }
        #expect(found == cells, "\(name): \(found.joined(separator: " "))")
    }

    @Test("a load begins only if load and value are as they were read")
    func conditions() {
        func begins(_ reading: SharedReading, _ wish: SharedLoad.Wish = .init()) -> SharedLoad.Step? {
            var load = SharedLoad(wish)
            let step = load.handle(.reading(reading), at: 0)
            if case .offer = step { return load.handle(.refused, at: 0) }
            return step
        }
        #expect(begins(SharedReading()) == .begin(load: 0, value: 0))
        #expect(begins(SharedReading(value: Self.value)) == .begin(load: 0, value: 20))
        let old = SharedReading.Load.failed(version: 4, Self.failure, left: 0)
        #expect(begins(SharedReading(value: Self.value, load: old)) == .begin(load: 4, value: 20))
        // A recent failure holds a call back, but not one that wants a new load.
        let recent = SharedReading.Load.failed(version: 4, Self.failure, left: 9)
        #expect(begins(SharedReading(load: recent)) == .fail(Self.failure, left: 9))
        #expect(begins(SharedReading(load: recent), .init(isStrict: true)) == .begin(load: 4, value: 0))
        // What has no known age is not offered.
        let unknown = SharedReading.Value(version: 20, begun: 10, produced: nil, bytes: [1])
        #expect(begins(SharedReading(value: unknown)) == .begin(load: 0, value: 20))
        // Without a source, and within another load, nobody is waited for and nothing begins.
        #expect(begins(SharedReading(), .init(canLoad: false)) == .alone)
        #expect(begins(SharedReading(load: .running(version: 4)), .init(mayWait: false)) == .alone)
        #expect(begins(SharedReading(), .init(mayWait: false)) == .begin(load: 0, value: 0))
    }

    @Test("where the store tells of changes, a host is looked for seldom")
    func hints() {
        var load = SharedLoad(.init())
        let reading = SharedLoad.Event.reading(SharedReading(load: .running(version: 4)))
        #expect(load.handle(reading, at: 0) == .wait(until: BootTime(nanoseconds: 5_000_000)))
        #expect(load.handle(.hint, at: 1) == .read, "also before the time")
        #expect(load.handle(reading, at: 1) == .wait(until: BootTime(nanoseconds: 200_000_001)))
        #expect(load.handle(.hint, at: 2) == .read)
        #expect(load.handle(.hint, at: 2) == nil)
    }

    @Test("another host is waited for ever longer, and for as long as it gives signs of life")
    func waits() {
        var load = SharedLoad(.init())
        var now: BootTime = 0
        var version: UInt64 = 4
        var pauses: [Int64] = []
        for _ in 0..<1000 {
            guard
                case .wait(let until)? = load.handle(.reading(SharedReading(load: .running(version: version))), at: now)
            else {
                Issue.record("it does not wait at \(now)")
                return
            }
            pauses.append(until - now)
            check(load.handle(.deadline, at: until - 1) == .wait(until: until))
            now = until
            check(load.handle(.deadline, at: now) == .read)
            if now.nanoseconds / SharedLoad.sign != (now.nanoseconds - pauses[pauses.count - 1]) / SharedLoad.sign {
                version += 1
            }
        }
        #expect(Array(pauses.prefix(7)) == [5, 10, 20, 40, 80, 160, 200].map { $0 * 1_000_000 })
        #expect(load.hasWaited)
    }

    @Test("a host that gives no sign of life for so long is dead, and its load is taken over")
    func takeover() {
        var load = SharedLoad(.init())
        let reading = SharedReading(value: Self.value, load: .running(version: 4))
        var now: BootTime = 7
        while true {
            guard case .offer? = load.handle(.reading(reading), at: now) else {
                Issue.record("no offer")
                return
            }
            let step = load.handle(.refused, at: now)
            if step == .begin(load: 4, value: 20) { break }
            guard case .wait(let until)? = step else {
                Issue.record("\(String(describing: step))")
                return
            }
            now = until
            _ = load.handle(.deadline, at: now)
        }
        #expect(now == .ns(7 + SharedLoad.patience))
        // Somebody else was faster.
        check(load.handle(.changed, at: now) == .read)
        guard case .wait = load.handle(.reading(SharedReading(load: .running(version: 40))), at: now) else {
            Issue.record("it does not wait for the next one")
            return
        }
    }

    @Test("how new a value is, is told by versions alone")
    func novelty() {
        func offered(_ value: SharedReading.Value, after first: SharedReading) -> SharedLoad.Novelty? {
            var load = SharedLoad(.init())
            if case .offer = load.handle(.reading(first), at: 0) { _ = load.handle(.refused, at: 0) }
            _ = load.handle(.changed, at: 0)
            _ = load.handle(.deadline, at: 1_000_000_000)
            if case .offer(_, let novelty) = load.handle(.reading(SharedReading(value: value)), at: 2_000_000_000) {
                return novelty
            }
            return nil
        }
        let running = SharedReading(load: .running(version: 15))
        #expect(offered(Self.value, after: SharedReading(value: Self.value)) == .known)
        // It began before the call asked, was touched since, and ended then.
        #expect(offered(Self.value, after: running) == .ended)
        #expect(offered(.init(version: 20, begun: 15, produced: 5, bytes: [1]), after: running) == .ended)
        #expect(offered(.init(version: 20, begun: 16, produced: 5, bytes: [1]), after: running) == .begun)
        #expect(
            offered(.init(version: 40, begun: 21, produced: 5, bytes: [1]), after: SharedReading(value: Self.value))
                == .begun)
        #expect(
            offered(.init(version: 40, begun: 19, produced: 5, bytes: [1]), after: SharedReading(value: Self.value))
                == .ended)
    }

    @Test("a load that others begin again and again at the same moment is made here alone at last")
    func flapping() {
        var load = SharedLoad(.init())
        var steps = 0
        while load.handle(.reading(SharedReading()), at: 0) == .begin(load: 0, value: 0), steps < 1000 {
            steps += 1
            if load.handle(.changed, at: 0) == .alone { break }
        }
        #expect(steps == 100 && load.state == .over)
    }

    @Test("a store that fails is left alone for a second, then asked by one call")
    func breaker() {
        var breaker = StoreBreaker()
        let second = StoreBreaker.rest
        check(breaker.mayAsk(at: 0) && !breaker.isOpen)
        breaker.failed(at: 10)
        #expect(breaker.isOpen)
        #expect(
            [11, 9 + second, 10 + second, 11 + second].map { breaker.mayAsk(at: .ns($0)) } == [
                false, false, true, false,
            ])
        // The call that was to tell what came of it never did.
        check(breaker.mayAsk(at: .ns(10 + 2 * second)))
        breaker.failed(at: .ns(10 + 2 * second))
        check(!breaker.mayAsk(at: .ns(9 + 3 * second)))
        check(breaker.mayAsk(at: .ns(10 + 3 * second)))
        breaker.answered()
        check(breaker.mayAsk(at: .ns(10 + 3 * second)) && !breaker.isOpen)
    }
}

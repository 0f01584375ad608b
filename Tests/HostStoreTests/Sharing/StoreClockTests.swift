import HostStore
import HostTestKit
import HostValues
import Testing

/// Ages of values in a store: never younger than true, whatever the network delays and whoever sets the store's clock.
@Suite("Ages by a store's clock")
struct StoreClockTests {
    private static let ms: Int64 = 1_000_000

    /// A store, and hosts whose boot clocks have nothing in common. All times in it are true ones.
    private struct World {
        var random: SplitMix
        var now: Int64 = 1_000_000_000_000
        var offset: Int64 = 1_700_000_000_000_000_000
        var hasClock = true
        var version: UInt64 = 0
        var longestDelay: Int64 = 40 * ms
        /// The record of the reading host: when it was written, by the store's clock.
        var recordMs: Int64?

        var clockMs: Int64 { hasClock ? (now + offset) / ms : -1 }

        mutating func delay() { now += Int64.random(in: 1_000...longestDelay, using: &random) }

        /// A commit: when it was sent and answered, with its version and what the clock showed.
        mutating func commit() -> (version: UInt64, clockMs: Int64, sent: Int64, answered: Int64) {
            let sent = now
            delay()
            version += 1
            let shown = clockMs
            delay()
            return (version, shown, sent, now)
        }

        /// A value whose load ends now: when that truly is, its stamp, and its version.
        mutating func load() -> (made: Int64, stamp: StoreClock.Stamp, version: UInt64) {
            let begun = commit()
            now += Int64.random(in: 0...2_000 * ms, using: &random)
            let made = now
            let stamp = StoreClock.Stamp(begun: begun.version, clockMs: begun.clockMs, lead: made - begun.answered)
            delay()
            version += 1
            delay()
            return (made, stamp, version)
        }
    }

    /// The reading host: its boot clock is the true time and something.
    private struct Reader {
        var clock = StoreClock()
        let boot: Int64

        func time(_ true_: Int64) -> BootTime { BootTime(nanoseconds: true_ + boot) }

        mutating func prepare(_ world: inout World) {
            guard clock.needsCommit(at: time(world.now)) else { return }
            let done = world.commit()
            clock.committed(
                done.version, clockMs: done.clockMs, sent: time(done.sent), answered: time(done.answered))
            world.recordMs = done.clockMs
        }

        /// The reading host's record is gone, and it sees that.
        mutating func loses(_ world: inout World) {
            let sent = world.now
            world.delay()
            clock.read(nil, sent: time(sent), answered: time(world.now))
        }

        /// Reads a value; by how much it seems older than it is, in ns, and how long the reading took.
        mutating func read(_ value: (made: Int64, stamp: StoreClock.Stamp, version: UInt64), _ world: inout World)
            -> (error: Int64, took: Int64)?
        {
            prepare(&world)
            let sent = world.now
            world.delay()
            let age = world.hasClock ? max(0, world.clockMs - (world.recordMs ?? 0)) : -1
            world.delay()
            let produced = clock.produced(
                value.stamp, version: value.version, recordAgeMs: age, sent: time(sent), answered: time(world.now))
            return produced.map { (time(value.made) - $0, world.now - sent) }
        }
    }

    @Test("a value is as old as it is, or older by two round trips", arguments: 0..<20 as Range<UInt64>)
    func ages(_ seed: UInt64) throws {
        var world = World(random: SplitMix(seed: seed))
        var reader = Reader(boot: -999_000_000_000)
        for _ in 0..<200 {
            let value = world.load()
            world.now += Int64.random(in: 0...5_000 * Self.ms, using: &world.random)
            let (error, took) = try need(reader.read(value, &world))
            #expect(error >= 0, "it seems younger than it is")
            #expect(error <= 2 * 40 * Self.ms + took + 3 * Self.ms)
        }
        #expect(reader.clock.steps == 0)
    }

    @Test("counted from the commit of the value itself, values would seem younger than they are")
    func simpler() {
        var world = World(random: SplitMix(seed: 4))
        var youngest: Int64 = 0
        for _ in 0..<200 {
            let made = world.now
            world.delay()
            let committed = world.clockMs  // it was sent when it was made
            world.delay()
            let asked = world.now
            world.delay()
            // The age by the store's clock, counted from when this was asked.
            let age = (world.clockMs - committed) * Self.ms
            world.delay()
            youngest = min(youngest, age - (asked - made))
        }
        #expect(youngest < -10 * Self.ms)
    }

    @Test(
        "when the store's clock is set, what was there has no age, and what comes has",
        arguments: [-86_400_000, -1_500, 1_500, 86_400_000] as [Int64])
    func steps(_ step: Int64) throws {
        var world = World(random: SplitMix(seed: 5))
        var reader = Reader(boot: 77)
        let old = world.load()
        check(reader.read(old, &world) != nil)
        world.now += 3_600_000 * Self.ms
        world.offset += step * Self.ms
        check(reader.read(old, &world) == nil)
        check(reader.read(old, &world) == nil)
        let steps = reader.clock.steps
        #expect(steps > 0)
        // Also when by the new clock it would seem young.
        world.now += abs(step) * Self.ms
        check(reader.read(old, &world) == nil)
        let new = world.load()
        let (error, _) = try need(reader.read(new, &world))
        #expect(error >= 0)
        #expect(reader.clock.steps == steps)
    }

    @Test("a small step is borne, and a clock that goes a little wrong is no step")
    func drift() throws {
        var world = World(random: SplitMix(seed: 6))
        var reader = Reader(boot: 0)
        for _ in 0..<1000 {
            world.offset += 900 * Self.ms / 10
            world.now += 100 * Self.ms
            check(reader.read(world.load(), &world) != nil)
        }
        #expect(reader.clock.steps == 0)
    }

    @Test("a store without a clock: ages are as good as this host's commits are close together")
    func clockless() throws {
        var world = World(random: SplitMix(seed: 7), hasClock: false)
        var reader = Reader(boot: 5_000)
        // What was there before this host came has no age.
        let before = world.load()
        check(reader.read(before, &world) == nil)
        try expectAges(of: 200, &reader, &world)
    }

    /// So many values whose ages are known, and as well as commits are close together.
    private func expectAges(of count: Int, _ reader: inout Reader, _ world: inout World) throws {
        for _ in 0..<count {
            world.now += Int64.random(in: 0...2_000 * Self.ms, using: &world.random)
            reader.prepare(&world)
            let value = world.load()
            let (error, took) = try need(reader.read(value, &world))
            #expect(error >= 0)
            #expect(error <= StoreClock.spacing + 4 * 40 * Self.ms + took)
        }
    }

    @Test("a store without a clock that is made anew: ages are known again from this host's next commit on")
    func anew() throws {
        var world = World(random: SplitMix(seed: 8), hasClock: false)
        var reader = Reader(boot: 5_000)
        for _ in 0..<300 {
            world.now += StoreClock.spacing
            reader.prepare(&world)
            check(reader.read(world.load(), &world) != nil)
        }
        world.version = 0
        reader.loses(&world)
        try expectAges(of: 50, &reader, &world)
    }

    @Test(
        "a store that goes on from a copy, again and again: nothing in it seems younger than it is",
        arguments: 0..<20 as Range<UInt64>, [true, false])
    func copies(_ seed: UInt64, hasClock: Bool) throws {
        var world = World(random: SplitMix(seed: seed), hasClock: hasClock)
        var reader = Reader(boot: 77)
        var values: [(made: Int64, stamp: StoreClock.Stamp, version: UInt64)] = []
        var known = 0
        for _ in 0..<400 {
            world.now += Int64.random(in: 0...2_000 * Self.ms, using: &world.random)
            if Int.random(in: 0..<30, using: &world.random) == 0 {
                world.version -= UInt64.random(in: 0...world.version, using: &world.random)
                let last = world.version
                values.removeAll { $0.version > last }
                reader.loses(&world)
            }
            reader.prepare(&world)
            values.append(world.load())
            for value in [values.last, values.randomElement(using: &world.random)].compactMap(\.self) {
                guard let (error, _) = reader.read(value, &world) else { continue }
                known += 1
                #expect(error >= 0, "it seems younger than it is")
            }
        }
        #expect(known > 500)
    }

    @Test("what was distrusted in a store is not what has the same versions after it was made anew")
    func trustsAnew() throws {
        var world = World(random: SplitMix(seed: 9))
        var reader = Reader(boot: 77)
        for _ in 0..<100 { check(reader.read(world.load(), &world) != nil) }
        world.offset += 3_600_000 * Self.ms
        check(reader.read(world.load(), &world) == nil)
        reader.prepare(&world)
        check(reader.read(world.load(), &world) != nil)
        // The same server is emptied, and goes on with greater versions: what it has then has its age.
        reader.loses(&world)
        reader.prepare(&world)
        check(reader.read(world.load(), &world) != nil)
        world.version = 0
        reader.loses(&world)
        let early = world.load()
        reader.prepare(&world)
        check(reader.read(early, &world) == nil)
        let (error, _) = try need(reader.read(world.load(), &world))
        #expect(error >= 0)
    }

    @Test("a record that is gone is written again, and until then nothing has an age")
    func gone() throws {
        var clock = StoreClock()
        #expect(clock.needsCommit(at: 0))
        clock.committed(1, clockMs: 1000, sent: 0, answered: 1)
        #expect(!clock.needsCommit(at: 1_000_000_000_000))
        let stamp = StoreClock.Stamp(begun: 2, clockMs: 1000, lead: 0)
        check(clock.produced(stamp, version: 3, recordAgeMs: 0, sent: 5, answered: 6) != nil)
        check(clock.produced(stamp, version: 3, recordAgeMs: nil, sent: 5, answered: 6) == nil)
        #expect(clock.needsCommit(at: 7))
    }

    @Test("numbers that nobody writes trap nowhere")
    func nonsense() {
        let numbers: [Int64] = [.min, -1, 0, 1, .max]
        for shown in numbers {
            for lead in numbers {
                for age in numbers {
                    var clock = StoreClock()
                    clock.committed(5, clockMs: shown, sent: .never, answered: .longAgo)
                    let stamp = StoreClock.Stamp(begun: .max, clockMs: age, lead: lead)
                    _ = clock.produced(stamp, version: .max, recordAgeMs: age, sent: .longAgo, answered: .never)
                    _ = clock.longestAge(of: .max, ageMs: age, at: .never)
                    clock.note(.max, .longAgo)
                    _ = clock.needsCommit(at: .never)
                }
            }
        }
    }
}

import HostSystem
import HostTestKit
import HostValues
import Testing

@testable import HostStore

/// The totals over all records, which a store knows without reading them all: they outlive it, and the files.
struct StoredTotalsTests {
    let scratch = TestDirectory()

    @Test func knowsIdsAndSumsAfterReopening() throws {
        do {
            var store = try scratch.store()
            try store.append([.sample(1), .sample(2), .sample(3, routine: "other", cycles: 7)])
        }
        let store = try scratch.store()
        #expect(try store.has(SessionRecord.sample(1).session) == true)
        #expect(try store.has(SessionRecord.sample(9).session) == false)
        #expect(store.lifetimeCycles(plugin: "market-poller", routine: "snapshot") == 10)
        #expect(store.lifetimeCycles(plugin: "market-poller", routine: "other") == 7)
        #expect(store.lifetimeCycles(plugin: "market-poller", routine: "none") == 0)
    }

    @Test func aQuietRoutineKeepsItsSumWhenItsRecordsAreGone() throws {
        do {
            var store = try scratch.store {
                $0.rotateAt = 2000; $0.keep = 1
            }
            try store.append(.sample(0, routine: "quiet", cycles: 42))
            for number in 1...60 { try store.append(.sample(number)) }
        }
        #expect(try scratch.records().allSatisfy { $0.routine != "quiet" })
        let store = try scratch.store()
        #expect(store.lifetimeCycles(plugin: "market-poller", routine: "quiet") == 42)
    }

    /// The host dies between any two steps of a rotation; the tally and the files agree again afterwards.
    @Test(arguments: 0...3)
    func aRotationCutShort(step: Int) throws {
        do {
            var store = try scratch.store { $0.rotateAt = 3000 }
            for number in 1...20 { try store.append(.sample(number)) }
            store.rotate()
        }
        // Now everything is in older files and the newest is empty. Take the steps back.
        let directory = try scratch.directory()
        if step == 0 { try directory.remove(SessionTally.name) }
        if step == 1 { try scratch.write(SessionTally.name, Array("{\"through".utf8)) }
        if step >= 2 { try directory.rename(SessionFiles.current, to: "sessions.new") }
        if step == 3 { try directory.rename(SessionFiles.older(1), to: SessionFiles.current) }
        var store = try scratch.store()
        #expect(store.lifetimeCycles(plugin: "market-poller", routine: "snapshot") == 100)
        #expect(try store.has(SessionRecord.sample(20).session) == true)
        try store.append(.sample(21))
        #expect(try scratch.records().count == 21)
        #expect(try scratch.records().last?.lifetimeCycles == 105)
        let again = try scratch.store()
        #expect(again.lifetimeCycles(plugin: "market-poller", routine: "snapshot") == 105)
    }

    /// What the saved totals cover is not read again: whatever stands there, it is not seen.
    @Test func anOpeningReadsWhatCameAfterTheTotals() throws {
        let count = 200
        do {
            var store = try scratch.store { $0.mostUncovered = 20_000 }
            for number in 1...count { try store.append(.sample(number)) }
        }
        let tally = try #require(SessionTally(try scratch.bytes(SessionTally.name)))
        var bytes = try scratch.bytes(SessionFiles.current)
        let covered = try #require(tally.size)
        #expect(bytes.count - covered <= 20_000 && covered > 20_000)
        let last = try #require(bytes[..<(covered - 1)].lastIndex(of: 10)) + 1
        for place in 0..<last where bytes[place] != 10 { bytes[place] = UInt8(ascii: "x") }
        try scratch.write(SessionFiles.current, bytes)
        let store = try scratch.store()
        #expect(store.warnings.isEmpty)
        #expect(store.lifetimeCycles(plugin: "market-poller", routine: "snapshot") == UInt64(5 * count))
        #expect(store.lastEnd(plugin: "market-poller", routine: "snapshot") == SessionRecord.sample(1).reason.end)
        // Where the line at the end of that is another one, all is read, and told.
        bytes[last] = UInt8(ascii: "x")
        try scratch.write(SessionFiles.current, bytes)
        let other = try scratch.store()
        #expect(other.warnings.count == 1)
        #expect(other.lifetimeCycles(plugin: "market-poller", routine: "snapshot") == UInt64(5 * count))
    }

    /// A directory without totals is read as a whole once, and not again.
    @Test func totalsThatWereLostAreSavedAtOnce() throws {
        do {
            var store = try scratch.store { $0.rotateAt = 2000 }
            for number in 1...30 { try store.append(.sample(number)) }
        }
        try scratch.directory().remove(SessionTally.name)
        _ = try scratch.store()
        let tally = try #require(SessionTally(try scratch.bytes(SessionTally.name)))
        #expect(try tally.size == scratch.bytes(SessionFiles.current).count)
        #expect(tally.cycles == ["market-poller/snapshot": 150])
    }

    /// Hosts that begin, record, rotate and die, while somebody takes files away: no total is ever less than it was, nor more
    /// than was recorded.
    @Test func totalsOutliveWhatHappensToTheFiles() throws {
        for seed in 1...40 as ClosedRange<UInt64> {
            let scratch = TestDirectory()
            var random = SplitMix(seed: seed)
            var options = SessionStore.Options()
            options.isSynchronized = false
            options.rotateAt = 6000
            options.mostUncovered = 1 + random.below(4000)
            var total: [String: UInt64] = [:]
            var number = 0
            for _ in 0..<12 {
                var store = try SessionStore.open(try scratch.directory(), options: options)
                #expect(store.totals.last == (number == 0 ? nil : SessionRecord.sample(number).session))
                for (routine, cycles) in total {
                    #expect(store.lifetimeCycles(plugin: "market-poller", routine: routine) == cycles, "\(seed)")
                }
                for _ in 0..<random.below(25) {
                    number += 1
                    let routine = "r\(random.below(3))"
                    try store.append(.sample(number, routine: routine, cycles: UInt64(number)))
                    total[routine, default: 0] += UInt64(number)
                }
                let directory = try scratch.directory()
                switch random.below(6) {
                case 0: try? directory.remove(SessionTally.name)
                case 1: try? scratch.write(SessionTally.name, Array("{}".utf8))
                case 2 where number > 0: store.rotate()
                case 3: try? directory.remove(SessionFiles.older(4))
                default: break
                }
            }
        }
    }

    @Test func lastEndsOutliveTheStoreAndItsFiles() throws {
        func ended(_ number: Int, _ kind: SessionEnd, phase: Phase? = nil, routine: String) -> SessionRecord {
            var record = SessionRecord.sample(number, routine: routine)
            record.reason = .init(kind, phase: phase)
            return record
        }
        do {
            var store = try scratch.store()
            #expect(store.lastEnd(plugin: "market-poller", routine: "a") == nil)
            try store.append([
                ended(1, .crash, routine: "a"), ended(2, .maxCycles, routine: "b"), ended(3, .stopped, routine: "a"),
                ended(4, .timeout, phase: .routine, routine: "b"),
                // A load that failed is no session before another.
                ended(5, .error, phase: .load, routine: "a"),
            ])
            #expect(store.lastEnd(plugin: "market-poller", routine: "a") == .stopped)
        }
        let again = try scratch.store()
        #expect(again.lastEnd(plugin: "market-poller", routine: "a") == .stopped)
        #expect(again.lastEnd(plugin: "market-poller", routine: "b") == .timeout)
        #expect(again.lastEnd(plugin: "market-poller", routine: "c") == nil)
        // Rotated so often that none of the files that are read at opening has the record.
        do {
            var small = try scratch.store { $0.rotateAt = 2048 }
            for number in 10..<40 { try small.append(ended(number, .hostDied, routine: "c")) }
        }
        let last = try scratch.store { $0.rotateAt = 2048 }
        #expect(last.lastEnd(plugin: "market-poller", routine: "b") == .timeout)
        #expect(last.lastEnd(plugin: "market-poller", routine: "c") == .hostDied)
    }
}

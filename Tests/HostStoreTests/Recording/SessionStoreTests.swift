import HostSystem
import HostTestKit
import HostValues
import Testing

@testable import HostStore

struct SessionStoreTests {
    let scratch = TestDirectory()

    @Test func appendsOneLineARecordAndReadsThemBack() throws {
        var store = try scratch.store { $0.isSynchronized = true }
        try store.append(.sample(1))
        try store.append([.sample(2), .sample(3)])
        #expect(store.pendingCount == 0 && store.warnings.isEmpty)
        #expect(try scratch.bytes(SessionFiles.current).filter { $0 == 10 }.count == 3)
        #expect(try scratch.records().map(\.startMs) == [1, 2, 3].map { SessionRecord.sample($0).startMs })
        #expect(try scratch.records().map(\.lifetimeCycles) == [5, 10, 15])
        let last = try SessionFiles.last(2, in: scratch.directory()).records
        #expect(last.map(\.session) == [2, 3].map { SessionRecord.sample($0).session })
    }

    /// Sessions are looked for as far back as their records may be, which is further than the file that is read at opening.
    @Test(arguments: [0, 1, 3])
    func findsASessionHoweverOftenTheFilesWereRotated(_ rotations: Int) throws {
        let line = SessionRecord.sample(1).line().count + 1
        let count = 1 + 2 * rotations
        do {
            var store = try scratch.store { $0.rotateAt = 2 * line + line / 2 }
            for number in 1...count { try store.append(.sample(number)) }
            #expect(store.rotations == rotations)
        }
        var store = try scratch.store()
        let sessions = (1...count).map { SessionRecord.sample($0).session }
        let none = SessionRecord.sample(count + 2).session
        #expect(try store.recorded(among: [sessions[0], none]) == [sessions[0]])
        #expect(try store.recorded(among: sessions) == Set(sessions))
        // One that waits counts, and one that was written in another way; a damaged line does not.
        store.add(RecordLine(.sample(count + 1)))
        let foreign = SessionRecord.sample(count + 3)
        let damaged = SessionRecord.sample(count + 4)
        let text = String(decoding: foreign.line(), as: UTF8.self).replacing("\"session\":", with: " \"session\" : ")
        let file = try scratch.directory().openForAppending(SessionFiles.current)
        try file.writeAll(Array(text.utf8) + [10] + damaged.line().dropLast() + [10], subject: "f")
        let waiting = SessionRecord.sample(count + 1).session
        #expect(
            try store.recorded(among: [waiting, foreign.session, damaged.session, none]) == [waiting, foreign.session])
    }

    /// Who has a lease on the file is asked to give it back, and the host is not held up meanwhile.
    @Test func aLeaseOnTheFileHoldsNobodyUp() throws {
        try scratch.write(SessionFiles.current, [])
        let directory = try scratch.directory()
        let held = directory.openForOverwriting(FileName(SessionFiles.current)) { lease, _ in
            let error = #expect(throws: SystemError.self) { _ = try directory.openForAppending(SessionFiles.current) }
            #expect(error?.wouldBlock == true && error?.description.contains("lease") == true)
            #expect(throws: SystemError.self) { _ = try directory.openForUpdate(SessionFiles.current) }
            return lease.raw
        }
        #expect(held != nil, "the lease was taken")
        var store = try scratch.store()
        try store.append(.sample(1))
        #expect(store.pendingCount == 0)
    }

    /// A file that ends anywhere within its last line: that line is set aside or, if whole, kept; the next is whole.
    @Test func everyLengthOfATornLastLine() throws {
        let whole = SessionRecord.sample(1).line() + [10]
        let last = SessionRecord.sample(2).line() + [10]
        for count in 0...last.count {
            let scratch = TestDirectory()
            try scratch.write(SessionFiles.current, whole + last.prefix(count))
            var options = SessionStore.Options()
            options.isSynchronized = false
            var store = try SessionStore.open(try scratch.directory(), options: options)
            let isKept = count >= last.count - 1
            #expect(store.warnings.count == (count == 0 || isKept ? 0 : 1))
            #expect(try store.has(SessionRecord.sample(2).session) == isKept)
            try store.append(.sample(3))
            let expected = isKept ? [1, 2, 3] : [1, 3]
            #expect(try scratch.records().map(\.session) == expected.map { SessionRecord.sample($0).session })
            if count > 0, !isKept { #expect(try scratch.bytes("sessions.torn") == last.prefix(count) + [10]) }
        }
    }

    @Test func aTailOfZerosIsSetAside() throws {
        try scratch.write(
            SessionFiles.current, SessionRecord.sample(1).line() + [10] + [UInt8](repeating: 0, count: 200_000))
        var store = try scratch.store()
        #expect(store.warnings.count == 1)
        try store.append(.sample(2))
        #expect(try scratch.records().count == 2)
    }

    @Test func linesThatAreNoRecordsAreLeftAlone() throws {
        try scratch.write(
            SessionFiles.current,
            Array("garbage\n\n{}\n".utf8) + [UInt8](repeating: 65, count: 3 << 20) + [10]
                + SessionRecord.sample(1).line() + [10])
        let store = try scratch.store()
        #expect(store.warnings.count == 1 && store.warnings[0].contains("3 lines"))
        #expect(try store.has(SessionRecord.sample(1).session) == true)
        for order in [SessionFiles.Order.oldestFirst, .newestFirst] {
            var count = 0
            let outcome = try SessionFiles.read(scratch.directory(), order: order) { _ in
                count += 1
                return true
            }
            #expect(count == 1 && outcome.skipped == 3)
            #expect(outcome.firstFault?.contains("sessions.jsonl: ") == true)
        }
    }

    // MARK: Failing disk

    /// A disk with room for so many bytes: the rest of a write goes missing, as write(2) says of ENOSPC.
    private static func fill(_ store: inout SessionStore, room: Int, truncateFails: Bool = false) {
        store.calls.write = { (file, bytes, path) throws(SystemError) in
            try file.writeAll(Array(bytes.prefix(room)), subject: path)
            throw SystemError("write", path, number: 28)
        }
        if truncateFails {
            store.calls.truncate = { (_, _, path) throws(SystemError) in throw SystemError("ftruncate", path, number: 5)
            }
        }
    }

    @Test(arguments: [0, 1, 100, 300], [false, true])
    func aFullDiskTearsNothingAndLosesNothing(room: Int, truncateFails: Bool) throws {
        var store = try scratch.store()
        try store.append(.sample(1))
        let good = try scratch.bytes(SessionFiles.current)
        Self.fill(&store, room: room, truncateFails: truncateFails)
        for number in 2...4 {
            let failure = Self.failure { () throws(SystemError) in try store.append(.sample(number)) }
            #expect(failure?.number == (truncateFails && number > 2 ? 5 : 28))
        }
        #expect(store.pendingCount == 3)
        #expect(try store.has(SessionRecord.sample(3).session) == true)
        #expect(store.lifetimeCycles(plugin: "market-poller", routine: "snapshot") == 20)
        if !truncateFails { #expect(try scratch.bytes(SessionFiles.current) == good) }
        store.calls = .init()
        try store.flush()
        #expect(store.pendingCount == 0)
        #expect(try scratch.records().map(\.session) == (1...4).map { SessionRecord.sample($0).session })
        #expect(try scratch.records().map(\.lifetimeCycles) == [5, 10, 15, 20])
        #expect(store.lifetimeCycles(plugin: "market-poller", routine: "snapshot") == 20)
    }

    private static func failure(_ body: () throws(SystemError) -> Void) -> SystemError? {
        do throws(SystemError) {
            try body()
            return nil
        } catch {
            return error
        }
    }

    @Test func aFailedSyncIsWrittenAgain() throws {
        var store = try scratch.store { $0.isSynchronized = true }
        store.calls.synchronize = { (_, path) throws(SystemError) in throw SystemError("fdatasync", path, number: 5) }
        let failure = Self.failure { () throws(SystemError) in try store.append(.sample(1)) }
        #expect(failure?.call == "fdatasync")
        #expect(try scratch.bytes(SessionFiles.current).isEmpty)
        store.calls = .init()
        try store.flush()
        #expect(try scratch.records().count == 1)
    }

    @Test func whatWaitsIsBounded() throws {
        var store = try scratch.store { $0.mostPending = 3 }
        Self.fill(&store, room: 0)
        for number in 1...5 { _ = Self.failure { () throws(SystemError) in try store.append(.sample(number)) } }
        #expect(store.pendingCount == 3 && store.lost == 2)
        store.calls = .init()
        try store.flush()
        #expect(try scratch.records().map(\.session) == (1...3).map { SessionRecord.sample($0).session })
    }

    // MARK: Rotation

    @Test func rotatesBySizeAndKeepsSo() throws {
        let size = SessionRecord.sample(1).line().count + 30
        var store = try scratch.store {
            $0.rotateAt = size * 10
            $0.keep = 2
        }
        for number in 1...100 { try store.append(.sample(number)) }
        #expect(store.rotationFault == nil)
        let names = try scratch.directory().names().filter { $0.hasSuffix(".jsonl") }
        #expect(names == ["sessions.1.jsonl", "sessions.2.jsonl", "sessions.jsonl"])
        for name in names { #expect(try scratch.bytes(name).count <= size * 10) }
        let kept = try scratch.records().map(\.startMs)
        #expect(kept == Array((101 - kept.count...100).map { SessionRecord.sample($0).startMs }))
        #expect(kept.count > 20)
        var newest: [Int64] = []
        _ = try SessionFiles.read(scratch.directory(), order: .newestFirst) {
            newest.append($0.startMs)
            return true
        }
        #expect(newest == kept.reversed())
        // Records that are gone still count.
        let again = try scratch.store()
        #expect(again.lifetimeCycles(plugin: "market-poller", routine: "snapshot") == 500)
        #expect(try again.has(SessionRecord.sample(100).session) == true)
    }

    /// A storm of one plugin while two others end a session now and then.
    @Test func noPluginPushesTheOthersHistoryOut() throws {
        func record(_ number: Int, _ plugin: String) -> SessionRecord {
            var record = SessionRecord.sample(number)
            record.plugin = plugin
            return record
        }
        var store = try scratch.store { $0.rotateAt = 40_000 }
        var expected: [String: [Int64]] = [:]
        for number in 1...5000 {
            let plugin = number % 500 == 0 ? "quiet" : number % 900 == 1 ? "other" : "storm"
            try store.append(record(number, plugin))
            if plugin != "storm" { expected[plugin, default: []].append(record(number, plugin).startMs) }
        }
        #expect(store.rotationFault == nil && store.rotations > 8)
        let records = try scratch.records()
        for (plugin, starts) in expected {
            #expect(records.filter { $0.plugin == plugin }.map(\.startMs) == starts, "all of them, in order")
        }
        let sessions = records.map(\.session)
        #expect(Set(sessions).count == sessions.count && sessions == sessions.sorted(), "none twice, in order")
        #expect(try scratch.bytes("sessions.kept.jsonl").count <= 10_000)
        #expect(records.count < 1500)
        // Sums are as they were, and the next host finds the same.
        let again = try scratch.store()
        #expect(again.lifetimeCycles(plugin: "quiet", routine: "snapshot") == 50)
    }

    @Test func aHostThatDiesWhileItKeepsRecordsLeavesNoneTwice() throws {
        var store = try scratch.store {
            $0.rotateAt = 3000
            $0.keep = 1
        }
        for number in 1...60 {
            var record = SessionRecord.sample(number)
            record.plugin = number.isMultiple(of: 7) ? "quiet" : "storm"
            try store.append(record)
        }
        let old = try scratch.bytes("sessions.1.jsonl")
        store.rotate()
        try scratch.write("sessions.1.jsonl", old)  // as if it had not gone yet
        let again = try scratch.store { $0.keep = 1 }
        let sessions = try scratch.records().map(\.session)
        #expect(Set(sessions).count == sessions.count && again.warnings.isEmpty)
    }

    @Test func aRotationThatFailsOnlyLetsTheFileGrow() throws {
        var store = try scratch.store { $0.rotateAt = 1000 }
        _ = try scratch.directory().directory("sessions.new", create: true)
        for number in 1...10 { try store.append(.sample(number)) }
        #expect(store.rotationFault != nil)
        #expect(try scratch.records().count == 10)
        try scratch.directory().removeDirectory("sessions.new")
        try store.append(.sample(11))
        #expect(store.rotationFault == nil)
        #expect(try scratch.records().count == 11)
    }

    @Test func fewerFilesAreKeptWhenAskedTo() throws {
        do {
            var store = try scratch.store { $0.rotateAt = 1000 }
            for number in 1...30 { try store.append(.sample(number)) }
        }
        #expect(try scratch.directory().names().contains("sessions.4.jsonl"))
        var store = try scratch.store {
            $0.rotateAt = 1000
            $0.keep = 1
        }
        for number in 31...36 { try store.append(.sample(number)) }
        let names = try scratch.directory().names().filter { $0.hasSuffix(".jsonl") }
        #expect(names == ["sessions.1.jsonl", "sessions.jsonl"])
    }

    /// Somebody moves, removes, empties or extends the file under the host.
    @Test(arguments: 0...3)
    func aFileThatChangesUnderneath(change: Int) throws {
        var store = try scratch.store()
        try store.append([.sample(1), .sample(2)])
        let directory = try scratch.directory()
        switch change {
        case 0: try directory.rename(SessionFiles.current, to: "moved")
        case 1: try directory.remove(SessionFiles.current)
        case 2: try scratch.write(SessionFiles.current, [])
        default:
            try directory.openForAppending(SessionFiles.current).writeAll(Array("half a li".utf8), subject: "f")
        }
        try store.append(.sample(3))
        let expected = change == 3 ? [1, 2, 3] : [3]
        #expect(try scratch.records().map(\.session) == expected.map { SessionRecord.sample($0).session })
        #expect(store.warnings.count == (change == 3 ? 1 : 0))
        #expect(store.lifetimeCycles(plugin: "market-poller", routine: "snapshot") == 15)
    }

    @Test func manyRecordsInOneGo() throws {
        var store = try scratch.store { $0.rotateAt = 1 << 20 }
        try store.append((1...5000).map { SessionRecord.sample($0) })
        #expect(try scratch.records().count == 5000)
        #expect(try scratch.records().last?.lifetimeCycles == 25_000)
    }

    /// 500 damaged state directories: each opens, takes a record and gives it back, in either order of reading.
    @Test func damagedFilesNeverTrap() throws {
        var random = SplitMix(seed: 11)
        let good: [UInt8] = (1...6).flatMap { (number: Int) -> [UInt8] in SessionRecord.sample(number).line() + [10] }
        let tally = SessionTally(through: SessionRecord.sample(6).session, cycles: ["market-poller/snapshot": 30]).bytes
        func damaged(_ bytes: [UInt8]) -> [UInt8] {
            var bytes = bytes
            for _ in 0..<random.below(4) where !bytes.isEmpty {
                let place = random.below(bytes.count)
                switch random.below(3) {
                case 0: bytes[place] = UInt8(truncatingIfNeeded: random.next())
                case 1: bytes.removeSubrange(place...)
                default: bytes.insert(contentsOf: [10, 123, 0, 34], at: place)
                }
            }
            return bytes
        }
        for _ in 0..<500 {
            try scratch.write(SessionFiles.current, damaged(good))
            try scratch.write(SessionFiles.older(1), damaged(good))
            try scratch.write(SessionTally.name, damaged(tally))
            var store = try scratch.store()
            try store.append(.sample(7))
            #expect(try scratch.records().last?.session == SessionRecord.sample(7).session)
            let last = try SessionFiles.last(1, in: scratch.directory()).records
            #expect(last.first?.session == SessionRecord.sample(7).session)
            #expect(store.lifetimeCycles(plugin: "market-poller", routine: "snapshot") >= 5)
        }
    }
}

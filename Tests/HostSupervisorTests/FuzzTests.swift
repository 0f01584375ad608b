import FoundationEssentials
import HostInspection
import HostPolicy
import HostSystem
import HostTestKit
import HostValues
import HostViews
import HostWire
import Testing

@testable import HostSupervisor

/// Readers of what others wrote take any bytes: each test would end by a trap. The numbers are the same in each run.
///
/// `SCHEDHOST_FUZZ_SECONDS` says for how long each goes on; 1 by default.
@Suite struct FuzzTests {
    private static var time: Duration {
        .seconds(HostProcess.environment("SCHEDHOST_FUZZ_SECONDS").flatMap { Int($0) } ?? 1)
    }

    private func forSomeTime(seed: UInt64, _ body: (inout SplitMix) -> Void) {
        var random = SplitMix(state: seed)
        let end = ContinuousClock.now + Self.time
        var rounds = 0
        repeat {
            for _ in 0..<100 { body(&random) }
            rounds += 100
        } while ContinuousClock.now < end
        #expect(rounds > 0)
    }

    @Test(.timeLimit(.minutes(15))) func `the ledger reader`() {
        forSomeTime(seed: 1) { random in
            let bytes = random.bytes(LedgerSlot.size, often: [0, 1, 3, 7, 0x7F, 0x80, 0xFF])
            let replica = random.bytes(LedgerReplica.size, often: [0, 1, 0x7F, 0xFF])
            _ = (LedgerReader.replica(replica, key: nil), LedgerReader.replica(replica, key: .unkeyed))
            let annex = random.bytes(LedgerAnnex.size, often: [0, 1, 0x7F, 0xFF])
            let read = LedgerBytes.read(slot: { bytes }, annex: { annex })
            _ = read.map { LedgerCounts($0).cycleTimes }
            let snapshot = LedgerReader.snapshot(bytes)
            var watch = HangWatch()
            let now = ClockReading(boot: BootTime(nanoseconds: 1 << 40), monotonic: MonotonicTime(nanoseconds: 1 << 39))
            _ = watch.observe(1, snapshot.hangSnapshot(timeout: Int64(bitPattern: random.next())), at: now)
            _ = watch.nextCheck(at: now)
            let phase = snapshot.phase
            #expect((phase != nil) == snapshot.isInPlugin)
            var life = WorkerLifecycle()
            var remains = Remains()
            for slot in 0..<3 { _ = life.handle(.session(slot: slot, SessionID(rawValue: 7)), at: 0) }
            remains.snapshots = [0: snapshot, 2: snapshot]
            remains.thread = Int32(truncatingIfNeeded: random.next())
            _ = life.handle(.exited(.exited(1), remains), at: 0)
            let actions = life.handle(.report(Report()), at: 0)
            guard case .verdict(let verdict)? = actions.first else {
                Issue.record("no verdict")
                return
            }
            #expect(verdict.sessions.contains { $0.isCulprit })
            #expect(verdict.sessions.count == 3)
        }
    }

    @Test(.timeLimit(.minutes(15))) func `the crash page and its names`() {
        forSomeTime(seed: 2) { random in
            let page = CrashPage.contents(random.bytes(4096, often: [0, 1, 0xFF]))
            #expect((page?.frames.count ?? 0) <= 24)
            _ = CrashFrame.top(nil, (page?.frames ?? []).map { ($0.image, $0.image, nil) })
        }
    }

    @Test(.timeLimit(.minutes(15))) func `the event reader`() throws {
        let ended = WorkerEvent.Ended(
            slot: 1, session: SessionID(rawValue: 77), startMs: 1, finishMs: 2, durationNs: 3, cycles: 4,
            goodCycles: 3, failures: 5,
            missed: 6, reason: SessionRecord.Reason(.error, text: "a\u{1F600}\n\"", cycle: 3), code: 7,
            stats: SessionRecord.Stats([("a", .int(1)), ("b", .double(2.5)), ("c", .string("x"))]), disposition: .policy
        )
        let log = WorkerEvent.Log(plugin: 1, routine: 0, level: 20, text: "hello", ms: 5)
        let events: [WorkerEvent] = [.ended(ended), .log(log), .dropped(count: 3), .goodbye]
        let seeds = events.map { $0.line() }
        forSomeTime(seed: 3) { random in
            var hearing = WorkerHearing()
            var printed = WorkerOutput(hasReports: true)
            let bytes = random.mutated(seeds[Int(random.next() % UInt64(seeds.count))]) + [10]
            _ = hearing.take(bytes, at: 0)
            _ = printed.take(bytes, isError: bytes.count.isMultiple(of: 2), at: 0)
            _ = (hearing.finish(), printed.finish(at: 0))
        }
    }

    @Test(.timeLimit(.minutes(15))) func `the record reader`() throws {
        let record = SessionRecord(
            session: SessionID(rawValue: 1 << 60), plugin: "p", pluginVersion: "1", build: "b", routine: "r", host: "h",
            pid: 5, startMs: 1, finishMs: 2, durationMs: 3, clockStepMs: -4, cycles: 5, failures: 6, missed: 7,
            lifetimeCycles: 8,
            reason: SessionRecord.Reason(.crash, text: "t", signal: "SIGSEGV", cycle: 9, phase: .routine, frame: "f"),
            stats: SessionRecord.Stats([("a", .int(.min)), ("b", .double(1e300)), ("c", .string("\u{0}"))]), report: "x"
        )
        let seed = record.line()
        #expect(try SessionRecord(line: seed.last == 10 ? seed.dropLast() : seed) == record)
        forSomeTime(seed: 4) { random in
            if let read = try? SessionRecord(line: random.mutated(seed)) {
                _ = RecordTable.reason(read.reason)
                _ = RecordTable.text([read], format: .table, width: 80)
            }
        }
    }

    @Test(.timeLimit(.minutes(15))) func `the crash report reader`() {
        let seed = Array(
            #"{"description":"Bad","threads":[{"name":"t","crashed":true,"frames":[{"kind":"programCounter","address":"0x1","symbol":"f","offset":3,"description":"f + 3","image":"lib.so","sourceLocation":{"file":"a/b.c","line":3,"column":1}}]}]}"#
                .utf8)
        #expect(CrashFrame.top(CrashReport(seed), []) == "f (b.c:3)")
        #expect(CrashReportText.text(seed, named: "p@1.json") == "crash: Bad\n0   f at b.c:3 in lib.so\n")
        forSomeTime(seed: 5) { random in
            guard let report = CrashReport(random.mutated(seed)) else { return }
            _ = CrashFrame.top(report, [("lib.so", "f", nil)])
            _ = CrashReportText.text(report, plugin: "p")
        }
    }

    @Test(.timeLimit(.minutes(15))) func `the symbol reader`() throws {
        let own = try Directory("/proc/self").openForReading("exe", followLink: true)
        let start = try own.read(count: 1 << 16, at: 0, subject: "exe")
        var failure: (any Error)?
        forSomeTime(seed: 6) { random in
            do {
                let file = try Descriptor.memory("elf")
                try file.writeAll(random.mutated(start), subject: "elf")
                _ = FunctionNames.names(at: [0, 4096, .max], in: file)
            } catch { failure = error }
        }
        #expect(failure == nil)
    }
}

/// SplitMix64, and what a fuzzer does with it.
private struct SplitMix: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var value = state
        value = (value ^ value >> 30) &* 0xBF58_476D_1CE4_E5B9
        value = (value ^ value >> 27) &* 0x94D0_49BB_1331_11EB
        return value ^ value >> 31
    }

    /// Random bytes, half of them among those.
    mutating func bytes(_ count: Int, often: [UInt8]) -> [UInt8] {
        (0..<count).map { _ in
            let number = next()
            return number & 1 == 0
                ? often[Int((number >> 1) % UInt64(often.count))] : UInt8(truncatingIfNeeded: number >> 8)
        }
    }

    /// The bytes with a few changed, left out, put in or doubled.
    mutating func mutated(_ bytes: [UInt8]) -> [UInt8] {
        var bytes = bytes
        for _ in 0..<(1 + next() % 8) where !bytes.isEmpty {
            let place = Int(next() % UInt64(bytes.count))
            switch next() % 5 {
            case 0: bytes[place] = UInt8(truncatingIfNeeded: next())
            case 1: bytes[place] ^= 1 << UInt8(next() % 8)
            case 2: bytes.removeSubrange(place..<min(bytes.count, place + Int(next() % 16) + 1))
            case 3: bytes.insert(contentsOf: bytes[place..<min(bytes.count, place + 32)], at: place)
            default:
                bytes.insert(contentsOf: Array("-9223372036854775808e999[{\"".utf8).prefix(Int(next() % 28)), at: place)
            }
        }
        return bytes
    }
}

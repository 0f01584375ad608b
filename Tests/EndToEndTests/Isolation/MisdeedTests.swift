import FoundationEssentials
import HostPolicy
import HostSystem
import HostValues
import HostViews
import Testing

extension EndToEnd {
    /// Whatever a plugin does, the host, its neighbours and the records survive.
    @Suite struct Isolation {
        @Test(arguments: Misdeed.all) func `a misdeed beside a healthy routine`(_ misdeed: Misdeed) async throws {
            let canary = try Canary()
            let scene = try await Scene(misdeed)
            try await scene.beats(10)
            let record = try await scene.firstRecord()
            if misdeed.restarts { try await scene.nextSession(after: record) }
            if !misdeed.log.isEmpty { try await scene.host.line(misdeed.log) }
            try await scene.beats(scene.beats + 20)
            _ = try await scene.host.end(by: Signals.terminate)

            check(try record ?? #require(try scene.records.first), misdeed)
            let trace = Trace.read(scene.scratch)
            #expect(trace.map(\.cycle) == Array(0..<UInt64(trace.count)), "a cycle of the neighbour is missing")
            checkGaps(of: misdeed, trace, canary)
            let neighbour = try Records.read(scene.scratch).filter { $0.plugin == "healthy" }
            #expect(neighbour.map(\.reason.end) == [.stopped])
            if misdeed.restarts { try scene.checkRestart(canary) }
            try await eventually("the end of all its processes", within: .seconds(3)) {
                Processes.using(scene.scratch.path).isEmpty
            }
            #expect(LedgerView.all(in: scene.scratch).isEmpty, "a ledger is left")
        }

        /// No gap of the neighbour may be 50 ms longer than what a thread outside of the host saw in the same time.
        private func checkGaps(of misdeed: Misdeed, _ trace: [Trace.Beat], _ canary: Canary) {
            var longest = (gap: 0.0, noise: 0.0)
            for (beat, next) in zip(trace, trace.dropFirst()) {
                let (start, end) = (Double(beat.timeUs) / 1000, Double(next.timeUs) / 1000)
                if end - start <= longest.gap { continue }
                longest = (end - start, canary.longestMs(from: start, to: end))
                #expect(longest.gap < 50 + longest.noise, "the neighbour was disturbed in cycle \(beat.cycle)")
            }
            print("\(misdeed.testDescription): longest gap \(Int(longest.gap)) ms, outside \(Int(longest.noise)) ms")
        }

        private func check(_ record: SessionRecord, _ misdeed: Misdeed) {
            let reason = record.reason
            #expect(reason.end.map { misdeed.kinds.contains($0) } == true, "\(RecordTable.reason(reason))")
            guard reason.end == misdeed.kinds[0] else { return }
            if let signal = misdeed.signal { #expect(reason.signal == signal) }
            if misdeed.name != "threads" {
                #expect(reason.cycle == misdeed.cycle)
                #expect(reason.phase == misdeed.phase)
                if let cycle = misdeed.cycle { #expect(record.cycles == cycle) }
            }
            #expect(reason.text.lowercased().contains(misdeed.text.lowercased()), "\(reason.text)")
            switch misdeed.place {
            case .unknown: break
            case .function: #expect(reason.frame?.contains(misdeed.site) == true, "\(reason.frame ?? "no frame")")
            case .line:
                #expect(reason.frame?.contains(misdeed.site) == true, "\(reason.frame ?? "no frame")")
                #expect(reason.frame?.contains(":") == true, "no line: \(reason.frame ?? "no frame")")
                #expect(record.report?.isEmpty == false, "no report")
            }
        }
    }
}

/// A host with a healthy plugin and one that misbehaves once.
final class Scene {
    let scratch: Scratch
    let host: Host
    private let misdeed: Misdeed

    init(_ misdeed: Misdeed, arguments: String...) async throws {
        self.misdeed = misdeed
        try await Fixtures.build("healthy", misdeed.plugin)
        scratch = try Scratch()
        try scratch.add("healthy")
        try scratch.add(misdeed.plugin)
        try scratch.write("{ params: { trace: \"\(Trace.place(scratch))\" } }", to: "healthy.json5")
        let settings = misdeed.settings.isEmpty ? "" : misdeed.settings + ","
        let parameters = misdeed.parameters.isEmpty ? "" : ", " + misdeed.parameters
        try scratch.write(
            """
            { timeout_ms: \(misdeed.timeoutMs), \(settings) restart: { same_cause_failures: 0, any_cause_failures: 0 },
              params: { misdeed: "\(misdeed.name)", once: true\(parameters) } }
            """, to: misdeed.plugin + ".json5")
        // A constructor runs before anything is known of its plugin: the host's own timeout bounds it.
        try scratch.write("{ timeout_ms: 2000 }", to: "schedhost.json5")
        let environment = misdeed.isInEnvironment ? ["SCHEDHOST_FAULTY": misdeed.name] : [:]
        host = try Host("--grace", "500ms", in: scratch, environment: environment)
    }

    var beats: Int { Trace.read(scratch).count }

    func beats(_ count: Int) async throws {
        try await eventually("\(count) beats\n\(host.log)") { self.beats >= count }
    }

    /// The records of the plugin that misbehaves.
    var records: [SessionRecord] {
        get throws { try Records.read(scratch).filter { $0.plugin != "healthy" } }
    }

    /// The record of the misdeed; nil for one after which the session goes on, when that has been seen to go on.
    func firstRecord() async throws -> SessionRecord? {
        if misdeed.kinds.contains(.stopped) {
            // A flood takes seconds of a processor, of which other programs may have the most part.
            try await eventually("cycles after the misdeed\n\(host.log)", within: .seconds(60)) {
                try !self.records.isEmpty || LedgerView.all(in: self.scratch).filter { $0.cycle > 12 }.count >= 2
            }
            return try records.first
        }
        return try await eventually("a record\n\(host.log)") { try self.records.first }
    }

    /// Awaits that the plugin's next session runs.
    func nextSession(after record: SessionRecord?) async throws {
        let end = UInt64(record?.finishMs ?? 0) << 20
        try await eventually("the next session\n\(host.log)") {
            try self.records.count > 1
                || LedgerView.all(in: self.scratch).contains { $0.session >= end && $0.state != .ended }
        }
    }

    /// The policy says: at once after a first death, half a second after a first error.
    func checkRestart(_ canary: Canary) throws {
        let records = try records
        guard records.count > 1 else { return #expect(records.count > 1, "no record of the next session") }
        let wait = Double(records[1].startMs - records[0].finishMs)
        let isError = records[0].reason.end == .error
        #expect(wait < (isError ? 750 : 200) + canary.longestMs, "the restart came late")
        #expect(!isError || wait >= 440, "the restart came early")
    }
}

extension Processes {
    /// The processes that have a file below that path mapped or open as their program.
    static func using(_ path: String) -> [Int32] {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? []
        return names.compactMap { Int32($0) }.filter { isAlive($0) && maps(of: $0).contains(path) }
    }
}

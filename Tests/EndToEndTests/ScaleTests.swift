import FoundationEssentials
import HostSystem
import HostValues
import Testing

extension EndToEnd {
    @Suite struct Scale {
        static let count = 300

        @Test func `300 plugins at once start, run and stop`() async throws {
            try await Fixtures.build("many", c: Source.plugin("many-000", waitMs: 100, body: ""))
            let scratch = try Scratch()
            try Self.copies(of: "many", id: "many-000", in: scratch)
            let host = try Host("--log-level", "warning", in: scratch)
            let start = ContinuousClock.now
            try await eventually("three cycles of each\n\(host.log)", within: .seconds(60)) {
                LedgerView.all(in: scratch).filter { $0.cycle >= 3 }.count == Self.count
            }
            let started = ContinuousClock.now - start
            #expect(host.workers.count == Self.count)
            let stopped = try await host.end(by: Signals.interrupt)
            #expect(host.lines("ERROR").isEmpty && host.lines("WARNING").isEmpty, "\(host.log.prefix(2000))")
            let records = try host.records
            #expect(Set(records.map(\.plugin)).count == Self.count)
            #expect(records.count == Self.count)
            #expect(records.allSatisfy { $0.reason.end == .stopped && $0.cycles >= 3 })
            #expect(started < .seconds(30) && stopped < .seconds(10), "started in \(started), stopped in \(stopped)")
        }

        @Test func `300 routines in one worker`() async throws {
            try await Fixtures.build("many", c: Source.plugin("many-000", waitMs: 100, body: ""))
            let scratch = try Scratch()
            try Self.copies(of: "many", id: "many-000", in: scratch)
            let host = try Host("--isolation", "shared", "--max-cycles", "3", "--exit-when-idle", in: scratch)
            #expect(try await host.ended(within: .seconds(60)) == .exited(0), "\(host.log.suffix(2000))")
            let records = try host.records
            #expect(records.count == Self.count)
            #expect(Set(records.map(\.pid)).count == 1)
            #expect(records.allSatisfy { $0.reason.end == .maxCycles && $0.cycles == 3 })
        }

        /// The same plugin under many names: its id is replaced in the file.
        static func copies(of fixture: String, id: String, count: Int = count, in scratch: Scratch) throws {
            let bytes = try Fixtures.bytes(fixture)
            let old = Array(id.utf8) + [0]
            let place = try #require(
                bytes.indices.dropLast(old.count).first { bytes[$0..<$0 + old.count].elementsEqual(old) })
            for number in 0..<count {
                let digits = String(number + 1000).suffix(3)
                var copy = bytes
                copy.replaceSubrange(place + id.utf8.count - 3..<place + id.utf8.count, with: Array(digits.utf8))
                try Data(copy).write(to: URL(filePath: "\(scratch.plugins)/many-\(digits).so"))
            }
        }
    }
}

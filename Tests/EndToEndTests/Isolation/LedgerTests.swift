import FoundationEssentials
import HostCore
import HostSystem
import Testing

extension EndToEnd.Isolation {
    /// Which of the two files of each worker are written on when all is dead.
    enum Spoiled: CaseIterable {
        case ledgers, twins, both

        func holds(_ name: String) -> Bool {
            switch self {
            case .ledgers: name.hasSuffix(".ledger")
            case .twins: name.hasSuffix(".twin")
            case .both: true
            }
        }
    }

    @Test(arguments: Spoiled.allCases) func `the host's death with files spoiled that count cycles`(_ spoiled: Spoiled)
        async throws
    {
        try await Fixtures.build("healthy")
        let scratch = try Scratch()
        try scratch.add("healthy")
        try scratch.write("{ params: { trace: \"\(scratch.path)/trace\" } }", to: "healthy.json5")
        let host = try Host(in: scratch)
        try await eventually("20 beats") { Trace.read(scratch).count >= 20 }
        host.command.signal(Signals.kill)
        _ = try await host.ended()
        try await eventually("the end of the worker") { Processes.using(scratch.path).isEmpty }
        let cycles = UInt64(Trace.read(scratch).count)
        let folder = scratch.state + "/ledgers/"
        let names = try FileManager.default.contentsOfDirectory(atPath: folder)
        #expect(names.count == 2)
        for name in names where spoiled.holds(name) {
            let size = try Data(contentsOf: URL(filePath: folder + name)).count
            try Data(repeating: 0xA5, count: size).write(to: URL(filePath: folder + name))
        }
        let next = try Host(in: scratch)
        _ = try await next.sessions(1)
        _ = try await next.end(by: Signals.terminate)
        let record = try #require(try next.records.first)
        #expect(record.reason.kind == .hostDied)
        switch spoiled {
        case .ledgers, .twins: #expect(record.cycles <= cycles && record.cycles + 1 >= cycles, "\(record)")
        case .both: #expect(record.cycles == 0)
        }
        let text = "the host died" + (spoiled == .both ? "; what it had counted was overwritten" : "")
        #expect(record.reason.text == text)
        #expect(try next.records.count == 2)
    }
}

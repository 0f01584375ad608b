import FoundationEssentials
import Glibc
import HostCommandLine
import HostPolicy
import HostSystem
import HostValues
import HostWire
import Testing

extension EndToEnd.Isolation {
    /// Which parts of a worker's ledger are written on when all is dead.
    enum Spoiled: CaseIterable {
        case slots, replicas, both

        func range(of size: Int) -> Range<Int> {
            switch self {
            case .slots: LedgerSlot.start..<size
            case .replicas: 0..<LedgerAnnex.start
            case .both: 0..<size
            }
        }
    }

    @Test(arguments: Spoiled.allCases) func `the host's death with a ledger spoiled that counts cycles`(
        _ spoiled: Spoiled
    )
        async throws
    {
        try await Fixtures.build("healthy")
        let scratch = try Scratch()
        try scratch.add("healthy")
        try scratch.write("{ params: { trace: \"\(Trace.place(scratch))\" } }", to: "healthy.json5")
        let host = try Host(in: scratch)
        try await eventually("20 beats") { Trace.read(scratch).count >= 20 }
        host.command.signal(Signals.kill)
        _ = try await host.ended()
        try await eventually("the end of the worker") { Processes.using(scratch.path).isEmpty }
        let cycles = UInt64(Trace.read(scratch).count)
        let folder = scratch.state + "/ledgers/"
        let names = try FileManager.default.contentsOfDirectory(atPath: folder)
        #expect(names.count == 1)
        for name in names {
            var bytes = try Data(contentsOf: URL(filePath: folder + name))
            let range = spoiled.range(of: bytes.count)
            bytes.replaceSubrange(range, with: Data(repeating: 0xA5, count: range.count))
            try bytes.write(to: URL(filePath: folder + name))
        }
        let next = try Host(in: scratch)
        _ = try await next.sessions(1)
        _ = try await next.end(by: Signals.terminate)
        let record = try #require(try next.records.first)
        #expect(record.reason.end == .hostDied)
        switch spoiled {
        case .slots, .replicas: #expect(record.cycles <= cycles && record.cycles + 1 >= cycles, "\(record)")
        case .both: #expect(record.cycles == 0)
        }
        let text = "the host died" + (spoiled == .both ? "; what it had counted was overwritten" : "")
        #expect(record.reason.text == text)
        #expect(try next.records.count == 2)
    }

    @Test(.enabled(if: getuid() == 0, "only root may mount a small file system"))
    func `a full disk kills no worker, and the routine goes on when there is room`() async throws {
        try await Fixtures.build("healthy")
        let scratch = try Scratch()
        let disk = try await SmallDisk(at: scratch.state, kilobytes: 2048, in: scratch)
        defer { withExtendedLifetime(disk) {} }
        try scratch.add("healthy")
        let host = try Host(in: scratch)
        let session = try #require(try await host.sessions(1).first)
        let worker = try #require(host.workers.first)
        _ = try await Command.shell("dd if=/dev/zero of='\(scratch.state)/fill' bs=4k 2>/dev/null; true", in: scratch)
        #expect(kill(worker, SIGKILL) == 0)
        try await host.line("No space left on device")
        _ = try await Command.shell("rm '\(scratch.state)/fill'", in: scratch)
        #expect(try await host.sessions(1).first?.session != session.session)
        _ = try await host.end(by: Signals.terminate)
        #expect(try host.records.allSatisfy { $0.reason.signal != "SIGBUS" }, "\(host.log)")
    }

    @Test(.enabled(if: getuid() == 0, "only root may mount a small file system"))
    func `a record finds space on a full disk, and the space is reserved again when there is enough`() async throws {
        try await Fixtures.build("healthy")
        let scratch = try Scratch()
        let disk = try await SmallDisk(at: scratch.state, kilobytes: 80 << 10, in: scratch)
        defer { withExtendedLifetime(disk) {} }
        try scratch.add("healthy")
        let host = try Host(in: scratch)
        func hasReserve() -> Bool { FileManager.default.fileExists(atPath: scratch.state + "/reserve") }
        _ = try await host.sessions(1)
        #expect(hasReserve())
        _ = try await Command.shell("dd if=/dev/zero of='\(scratch.state)/fill' bs=4k 2>/dev/null; true", in: scratch)
        #expect(kill(try #require(host.workers.first), SIGKILL) == 0)
        try await host.line("that were reserved for them")
        try await eventually("its record") { try host.records.count == 1 }
        #expect(!hasReserve())
        _ = try await Command.shell("rm '\(scratch.state)/fill'", in: scratch)
        _ = try await host.sessions(1)
        #expect(kill(try #require(host.workers.first), SIGKILL) == 0)
        try await eventually("the next record") { try host.records.count == 2 }
        try await eventually("the reserve") { hasReserve() }
        _ = try await host.end(by: Signals.terminate)
    }
}

import FoundationEssentials
import HostPolicy
import HostSystem
import HostTestKit
import HostValues
import Testing

@testable import HostSupervisor

/// Workers whose sandbox or folders cannot be completed, although their processes have started.
@Suite struct VainStartTests {
    private let mark = HostMark(pid: HostProcess.pid, number: .random(in: 0 ... .max))

    /// The process is this program again, which would soon end, and of an ended one nobody reads the environment. What its linker
    /// says is more than its pipe takes, and nobody reads that, so that it stays. ld.so(8).
    private static let staying = ["LD_DEBUG=all"]

    /// The processes with the mark of this test in their environment, as soon as there is one: who has started a process may go
    /// on before that environment can be read.
    private func marked() -> [Int32] {
        let clock = SystemClock()
        let end = clock.monotonic() + 60_000_000_000
        while true {
            let found = ProcessFamily.all().filter {
                HostProcess.environment(of: $0).flatMap { HostMark.mark(in: $0) } == mark
            }
            if !found.isEmpty || clock.monotonic() > end { return found }
        }
    }

    @Test(.enabled(if: SandboxMaker.support.files != 0))
    func `a worker whose sandbox cannot be completed is killed and reaped, and the reason is thrown`() throws {
        let clock = SystemClock()
        let loop = try EventLoop(clock: clock)
        let root = TestDirectory()
        var found: [Int32] = []
        let maker = SandboxMaker(hidden: [root.path], plugins: root.path, tell: { _ in }) {
            found = marked()
            return []
        }
        var places = SandboxPolicy.Places()
        places.code = (0...SandboxPolicy.mostRules).map { "/lib/\($0).so" }
        var setup = WorkerLink.Setup(name: "vain", ledgerName: "", crashReport: nil, logLevel: 0, limits: .init())
        setup.mark = mark
        setup.variables = Self.staying
        setup.sandbox = .maker(maker, SandboxSettings(level: .on), places)
        let error = #expect(throws: SystemError.self) {
            _ = try WorkerLink(setup, ledger: try WorkerLedger(), loop: loop, clock: clock) { _ in }
        }
        #expect(error?.number == 7)
        let process = try #require(found.first, "the process has started before its sandbox is complete")
        #expect(found.count == 1)
        #expect(!FileManager.default.fileExists(atPath: "/proc/\(process)"), "a zombie would be left here")
    }

    @Test func `a worker whose folders cannot be made is killed and reaped, and the reason is thrown`() throws {
        let clock = SystemClock()
        let loop = try EventLoop(clock: clock)
        var found: [Int32] = []
        var setup = WorkerLink.Setup(name: "vain", ledgerName: "", crashReport: nil, logLevel: 0, limits: .init())
        setup.mark = mark
        setup.variables = Self.staying
        setup.prepare = { () throws(SystemError) in
            found = marked()
            throw SystemError("mkdirat", "cache", number: 28)
        }
        let error = #expect(throws: SystemError.self) {
            _ = try WorkerLink(setup, ledger: try WorkerLedger(), loop: loop, clock: clock) { _ in }
        }
        #expect(error?.number == 28)
        let process = try #require(found.first, "the process has started before")
        #expect(!FileManager.default.fileExists(atPath: "/proc/\(process)"), "a zombie would be left here")
    }

    @Test(arguments: [
        WorkerHome.everybody, .plugin("a/b"), .routine(plugin: "a/b", routine: ""), .routine(plugin: "p", routine: "r"),
    ])
    func `folders are where they were said to be before they are made`(home: WorkerHome) throws {
        let root = TestDirectory()
        let folders = try WorkerFolders(in: try Directory(root.path))
        let place = folders.place(of: home)
        let paths = [place.caches, place.data] + [place.sharedCaches].compactMap { $0 }
        for path in paths { #expect(FileStatus.of(path) == nil && path.hasPrefix(root.path)) }
        #expect(try folders.make(home) == place)
        for path in paths { #expect(FileStatus.of(path)?.kind == .directory) }
    }

    @Test func `what is empty of a plugin's folders is removed, and nothing else`() throws {
        let root = TestDirectory()
        let folders = try WorkerFolders(in: try Directory(root.path))
        folders.removeEmpty(of: "absent")
        let kept = try folders.make(.plugin("kept"))
        for folder in [kept.data, kept.caches] { _ = try Directory(folder).openForUpdate("file") }
        let gone = [try folders.make(.plugin("guessed")), try folders.make(.routine(plugin: "also", routine: "r"))]
        for plugin in ["kept", "guessed", "also"] { folders.removeEmpty(of: plugin) }
        #expect(try root.directory().directory("data").names() == ["kept"])
        #expect(try root.directory().directory("cache").directory("v1").names() == ["kept"])
        #expect(gone.allSatisfy { FileStatus.of($0.caches) == nil && FileStatus.of($0.data) == nil })
    }
}

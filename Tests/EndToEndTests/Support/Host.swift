import FoundationEssentials
import HostCommandLine
import HostSystem
import HostValues
import HostWire
import Testing

/// A `schedhost` that runs.
final class Host {
    let scratch: Scratch
    let command: Command
    var pid: Int32 { command.pid }
    /// The log so far.
    var log: String { command.errors }

    /// Starts a host on the scratch directory from within, by a line of the shell: `"$@"` is the host's own command line.
    init(shell line: String, state: String = "state", in scratch: Scratch) throws {
        self.scratch = scratch
        let words = ["/bin/sh", "-c", "cd '\(scratch.path)' && \(line)", "sh", try Program.path]
        command = try Command(words + ["--plugins", "plugins", "--state", state], in: scratch)
    }

    /// Starts a host on the scratch directory.
    init(_ arguments: String..., in scratch: Scratch, environment: [String: String] = [:]) throws {
        self.scratch = scratch
        command = try Command(
            [try Program.path, "--plugins", scratch.plugins, "--state", scratch.state] + arguments, in: scratch,
            environment: environment)
    }

    /// Awaits a line of the log that has all of these texts.
    @discardableResult
    func line(_ texts: String..., within limit: Duration = .seconds(20)) async throws -> String {
        try await eventually("a line with \(texts) in\n\(self.log)", within: limit) {
            self.lines(texts).first
        }
    }

    /// The lines of the log that have all of these texts.
    func lines(_ texts: String...) -> [String] { lines(texts) }

    private func lines(_ texts: [String]) -> [String] {
        log.split(separator: "\n").map(String.init).filter { line in texts.allSatisfy { line.contains($0) } }
    }

    /// Awaits its end.
    @discardableResult
    func ended(within limit: Duration = .seconds(30)) async throws -> ProcessEnd {
        try await command.ended(within: limit)
    }

    /// Signals it, and awaits its end; returns how long that took.
    func end(by signal: Int32, expecting end: ProcessEnd = .exited(0)) async throws -> Duration {
        let start = ContinuousClock.now
        command.signal(signal)
        let how = try await ended()
        let time = ContinuousClock.now - start
        #expect(how == end, "\(log)")
        return time
    }

    /// Its workers' process ids.
    var workers: [Int32] { Processes.children(of: pid) }

    /// Awaits the worker of a file, until it has loaded its copy of it.
    func worker(of file: String) async throws -> Int32 {
        try await eventually("a worker of \(file)\n\(log)") {
            self.workers.first { worker in
                let words = Scratch.text("/proc/\(worker)/cmdline").split(separator: "\0")
                return words.last == Substring(file)
                    && Processes.maps(of: worker).contains(self.scratch.state + "/plugins/")
            }
        }
    }

    /// Awaits so many sessions in workers that live.
    func sessions(_ count: Int) async throws -> [LedgerView] {
        try await eventually("\(count) sessions that run\n\(log)") {
            // Of workers that live: the ledger of a dead one stays until its records are on the disk.
            let maps = self.workers.map { Processes.maps(of: $0) }
            let slots = LedgerView.all(in: self.scratch).filter { slot in
                slot.session != 0 && slot.state != .ended && maps.contains { $0.contains("/" + slot.file) }
            }
            return slots.count == count ? slots : nil
        }
    }

    /// The records that it has written, oldest first.
    var records: [SessionRecord] {
        get throws { try Records.read(scratch) }
    }
}

/// The built program.
enum Program {
    /// Beside the test bundle, or what SCHEDHOST in the environment names.
    static var path: String {
        get throws {
            if let path = HostProcess.environment("SCHEDHOST") { return path }
            let own = try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
            let candidates = [own, CommandLine.arguments[0]].map { path in
                path.split(separator: "/").dropLast().reduce("") { $0 + "/" + $1 } + "/schedhost"
            }
            let path = candidates.first { FileManager.default.isExecutableFile(atPath: $0) }
            return try #require(path, "no schedhost in \(candidates): build it, or name it in SCHEDHOST")
        }
    }

    /// The folder of what was built.
    static var folder: String {
        get throws { try path.split(separator: "/").dropLast().reduce("") { $0 + "/" + $1 } }
    }

    /// Runs a subcommand to its end.
    static func run(
        _ arguments: String..., in scratch: Scratch, environment: [String: String] = [:]
    ) async throws -> (end: ProcessEnd, output: String, errors: String) {
        let command = try Command([try path] + arguments, in: scratch, environment: environment)
        let end = try await command.ended()
        return (end, command.output, command.errors)
    }
}

/// The store's file.
enum Records {
    /// All whole lines as records; throws when one is none. A host that runs may be about to end the last one.
    static func read(_ scratch: Scratch) throws -> [SessionRecord] {
        try lines(scratch).map { try SessionRecord(line: Array($0.utf8)) }
    }

    static func lines(_ scratch: Scratch) -> [Substring] {
        let text = scratch.text("state/sessions.jsonl")
        guard let end = text.lastIndex(of: "\n") else { return [] }
        return text[..<end].split(separator: "\n")
    }
}

extension Host {
    /// A host with `healthy` and `sleeper`, both in a session.
    static func healthyAndSleeping() async throws -> Host {
        try await Fixtures.build("healthy")
        try await Fixtures.build("sleeper", c: Source.sleeper("sleeper"))
        let scratch = try Scratch()
        try scratch.add("healthy")
        try scratch.add("sleeper")
        let host = try Host(in: scratch)
        _ = try await host.sessions(2)
        return host
    }
}

/// A routine's slot in a ledger, read from outside.
struct LedgerView {
    let file: String
    let session: UInt64
    let state: LedgerState?
    let cycle: UInt64
    let thread: Int32

    /// All slots of all ledgers of a host that runs.
    static func all(in scratch: Scratch) -> [LedgerView] {
        guard let folder = try? Directory(scratch.state + "/ledgers"), let names = try? folder.names() else {
            return []
        }
        return names.filter { $0.hasSuffix(".ledger") }.flatMap { name -> [LedgerView] in
            guard let file = try? folder.openForReading(name),
                let size = try? file.status(subject: name).size,
                let bytes = try? file.read(
                    count: max(0, size - LedgerSlot.start), at: LedgerSlot.start, subject: name)
            else { return [] }
            return stride(from: 0, to: bytes.count / LedgerSlot.size * LedgerSlot.size, by: LedgerSlot.size).map {
                LedgerView(name, bytes[$0..<$0 + LedgerSlot.size])
            }
        }
    }

    private init(_ file: String, _ bytes: ArraySlice<UInt8>) {
        func word(_ index: Int) -> UInt64 {
            bytes.dropFirst(index * 8).prefix(8).reversed().reduce(0) { $0 << 8 | UInt64($1) }
        }
        self.file = file
        session = word(0)
        state = LedgerState(rawValue: word(1))
        cycle = word(2)
        thread = Int32(truncatingIfNeeded: word(5))
    }
}

import FoundationEssentials
import HostSystem

/// A child process whose output goes to files; it is killed when nobody holds it.
final class Command {
    let child: ChildProcess
    /// Held until the process is dead: what it writes would come back after the directory's removal.
    private let scratch: Scratch
    private let outputPath: String
    private let errorPath: String
    private(set) var end: ProcessEnd?

    var pid: Int32 { child.pid }
    /// What it has written to standard output.
    var output: String { Scratch.text(outputPath) }
    /// What it has written to standard error.
    var errors: String { Scratch.text(errorPath) }

    private static let count = Counter()

    init(_ words: [String], in scratch: Scratch, environment: [String: String] = [:]) throws {
        self.scratch = scratch
        let number = Self.count.next()
        let directory = try Directory(scratch.path)
        outputPath = scratch.path + "/\(number).out"
        errorPath = scratch.path + "/\(number).err"
        let output = try directory.openForAppending("\(number).out")
        let errors = try directory.openForAppending("\(number).err")
        let nothing = try Directory("/dev").openForReading("null")
        var variables: [String: String] = [:]
        for entry in HostProcess.environment() {
            guard let place = entry.firstIndex(of: "=") else { continue }
            variables[String(entry[..<place])] = String(entry[entry.index(after: place)...])
        }
        for name in ["STATE_DIRECTORY", "XDG_STATE_HOME", "NO_COLOR", "SWIFT_BACKTRACE"] { variables[name] = nil }
        variables["HOME"] = scratch.path
        variables.merge(environment) { $1 }
        child = try ChildProcess(
            ChildProcess.Launch(
                executable: words[0], arguments: words, environment: variables.map { "\($0)=\($1)" },
                descriptors: [(nothing.raw, 0), (output.raw, 1), (errors.raw, 2)]))
    }

    deinit {
        if end != nil { return }
        child.signal(Signals.kill)
        while child.reap() == nil {}
    }

    /// Awaits its end.
    func ended(within limit: Duration = .seconds(30)) async throws -> ProcessEnd {
        if let end { return end }
        let how = try await eventually(
            "the end of process \(pid)\n\(errors)", within: limit
        ) { self.child.reap() }
        end = how
        return how
    }

    func signal(_ number: Int32) { child.signal(number) }

    /// Runs a shell command to its end; throws when it fails.
    static func shell(_ text: String, in scratch: Scratch) async throws -> String {
        let command = try Command(["/bin/sh", "-c", text], in: scratch)
        let end = try await command.ended(within: .seconds(120))
        guard end == .exited(0) else { throw Unmet(description: "\(text): \(end)\n\(command.errors)") }
        return command.output
    }
}

/// Numbers from 1, each once.
final class Counter: Sendable {
    private let monitor = Monitor(0)

    func next() -> Int {
        monitor.withLock { number in
            number += 1
            return number
        }
    }
}

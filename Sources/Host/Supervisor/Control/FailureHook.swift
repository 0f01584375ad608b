internal import HostPolicy
internal import HostStore
internal import HostSystem
internal import HostValues
internal import HostWire

/// Runs the commands of `on_failure`, each with a record on its standard input; a few at a time (`CallQueue`), each
/// with a time limit.
///
/// It never blocks: the record is written as the command reads it, and the command's output goes to the log. The
/// command inherits the host's environment, without the variables that concern only the host and its service manager.
final class FailureHook {
    /// The number of output lines of a command that are logged.
    private static let mostLines = 100
    /// How long commands may continue to run when the host ends, in ns.
    private static let patience: Int64 = 2_000_000_000

    /// The command that a routine's configuration sets for failures.
    struct Command {
        /// The program with its arguments; empty if there is none.
        var words: [String]
        var timeoutMs: UInt64
    }

    private struct Call {
        let words: [String]
        let timeout: Int64
        let subject: String
        let input: [UInt8]
    }

    /// The remaining bytes for a pipe, which is closed when this object is released.
    private final class Feed {
        let pipe: Descriptor
        var bytes: [UInt8]

        init(pipe: consuming Descriptor, bytes: [UInt8]) {
            self.pipe = pipe
            self.bytes = bytes
        }

        /// Writes as much as the pipe takes now. Returns false when all bytes are written, or the reader is gone.
        func goesOn() -> Bool {
            do throws(SystemError) {
                let bytes = bytes
                var written = 0
                var failure: SystemError?
                unsafe bytes.withUnsafeBytes { buffer in
                    do throws(SystemError) { written = try unsafe pipe.write(buffer) } catch { failure = error }
                }
                if let failure { throw failure }
                self.bytes.removeFirst(written)
                return !self.bytes.isEmpty
            } catch {
                return error.wouldBlock
            }
        }
    }

    private final class Run {
        let call: Call
        let child: ChildProcess
        /// The writing end of the command's standard input; nil when everything is written.
        var feed: Feed?
        let output: Descriptor
        var lines = LineSplitter(limit: 4096)
        var shown = 0
        var timer: Deadlines.Timer?
        /// When the command is killed.
        var deadline = MonotonicTime.never
        var tokens: [EventLoop.Token?] = [nil, nil, nil]
        var wasKilled = false

        init(_ call: Call) throws(SystemError) {
            self.call = call
            let stdin = try DescriptorPair.pipe()
            let stdout = try DescriptorPair.pipe()
            child = try ChildProcess(
                ChildProcess.Launch(
                    executable: call.words[0], arguments: call.words,
                    environment: ServiceManager.environmentForOthers(HostProcess.environment()),
                    descriptors: [(stdin.first.raw, 0), (stdout.second.raw, 1), (stdout.second.raw, 2)]))
            let write = try stdin.second.duplicate()
            output = try stdout.first.duplicate()
            try write.setNonBlocking()
            try output.setNonBlocking()
            feed = Feed(pipe: write, bytes: call.input)
        }
    }

    private let loop: EventLoop
    private let deadlines: Deadlines
    private let clock: any HostClock
    private let log: any LogSink
    private var queue = CallQueue<Call>()
    private var running: [Int32: Run] = [:]
    /// When all commands must have ended; nil until the host begins to end.
    private var end: MonotonicTime?

    init(loop: EventLoop, deadlines: Deadlines, clock: any HostClock, log: any LogSink) {
        self.loop = loop
        self.deadlines = deadlines
        self.clock = clock
        self.log = log
    }

    /// The process ids of the running commands.
    var processes: Set<Int32> { Set(running.keys) }

    /// Whether a command has been started. What it leaves in the background is adopted by the host, and must not be
    /// taken for a worker's orphan.
    private(set) var hasRun = false

    /// Whether no command is running or waiting.
    var isDone: Bool { queue.isEmpty }

    /// Runs a command with a record's line on its standard input, at once or when another command has ended. Does
    /// nothing if the command is empty.
    func call(_ command: Command, _ line: RecordLine) {
        let words = command.words
        guard let program = words.first else { return }
        let subject = line.record.identifier
        // A name without a slash is searched for in PATH. env(1)
        let all = program.contains("/") ? words : ["/usr/bin/env"] + words
        let timeout = Int64(clamping: min(command.timeoutMs, 600_000)) * 1_000_000
        guard queue.add(Call(words: all, timeout: timeout, subject: subject, input: line.bytes + [UInt8(ascii: "\n")]))
        else {
            return log.write(.warning, subject, "on_failure: too many commands wait: this one is not run")
        }
        startNext()
    }

    /// Begins the end of the host: waiting commands run in the time that is left, and all of them end within 2 s.
    func beginShutdown() {
        let end = clock.monotonic() + Self.patience
        self.end = end
        for run in running.values { if let timer = run.timer { deadlines.set(timer, at: min(run.deadline, end)) } }
    }

    private func startNext() {
        while let call = queue.next() {
            if let end, clock.monotonic() >= end {
                queue.ended()
                log.write(.warning, call.subject, "on_failure: the host ends: this command is not run")
                continue
            }
            do throws(SystemError) {
                try start(try Run(call))
            } catch {
                queue.ended()
                log.write(.error, call.subject, "on_failure: \(call.words.joined(separator: " ")): \(error)")
            }
        }
    }

    private func start(_ run: Run) throws(SystemError) {
        // Register before starting; on failure the orphan reaper collects it.
        run.tokens[1] = try loop.watch(run.child.descriptor) { [unowned self, unowned run] _ in reap(run) }
        running[run.child.pid] = run
        hasRun = true
        let timer = deadlines.make(isPatient: true) { [unowned self, unowned run] _ in
            run.wasKilled ? giveUp(run) : kill(run)
        }
        run.timer = timer
        run.deadline = min(clock.monotonic() + run.call.timeout, end ?? .never)
        deadlines.set(timer, at: run.deadline)
        run.tokens[0] = try? loop.watch(run.output) { [unowned self, unowned run] _ in read(run) }
        if let feed = run.feed {
            run.tokens[2] = try? loop.watch(feed.pipe, for: .writable) { [unowned self, unowned run] _ in
                self.feed(run)
            }
        }
    }

    private func feed(_ run: Run) {
        guard let feed = run.feed, !feed.goesOn() else { return }
        if let token = run.tokens[2] { loop.unwatch(feed.pipe, token) }
        run.tokens[2] = nil
        run.feed = nil
    }

    private func read(_ run: Run) {
        for _ in 0..<16 {
            var failure: SystemError?
            let bytes = unsafe [UInt8](unsafeUninitializedCapacity: 16_384) { buffer, count in
                do throws(SystemError) {
                    count = try unsafe run.output.read(into: UnsafeMutableRawBufferPointer(buffer))
                } catch {
                    failure = error
                }
            }
            if failure?.wouldBlock == true { return }
            if bytes.isEmpty {
                if let token = run.tokens[0] { loop.unwatch(run.output, token) }
                run.tokens[0] = nil
                return
            }
            var lines: [LineSplitter.Line] = []
            run.lines.take(bytes) { lines.append($0) }
            for line in lines { show(line, of: run) }
        }
    }

    private func show(_ line: LineSplitter.Line, of run: Run) {
        guard run.shown <= Self.mostLines else { return }
        run.shown += 1
        if run.shown > Self.mostLines {
            return log.write(.warning, run.call.subject, "on_failure: the rest of its output is left out")
        }
        switch line {
        case .whole(let text), .cut(let text):
            log.write(.info, run.call.subject, "on_failure: " + String(decoding: text, as: UTF8.self))
        }
    }

    private func kill(_ run: Run) {
        run.wasKilled = true
        run.child.killGroup()
        // Neither a tracer that keeps its end nor a disk that does not answer shall hold up the host.
        if let timer = run.timer { deadlines.set(timer, at: clock.monotonic() + Self.patience) }
    }

    /// Goes on without a command that was killed and does not end. The orphan reaper collects it when it does.
    private func giveUp(_ run: Run) {
        if run.child.ended() != nil { return reap(run) }
        forget(run)
        log.write(
            .warning, run.call.subject,
            "on_failure: \(run.call.words.joined(separator: " ")): killed, and does not end: process \(run.child.pid)")
        startNext()
    }

    private func reap(_ run: Run) {
        guard let end = run.child.ended() else {
            // A tracer has it: the descriptor would stay readable. The timer looks again.
            if let token = run.tokens[1] { loop.unwatch(run.child.descriptor, token) }
            run.tokens[1] = nil
            return
        }
        read(run)
        if let rest = run.lines.finish() { show(rest, of: run) }
        _ = run.child.reap()
        forget(run)
        if end != .exited(0) {
            let why = run.wasKilled ? "killed: it took longer than it may" : "\(end)"
            log.write(.warning, run.call.subject, "on_failure: \(run.call.words.joined(separator: " ")): \(why)")
        }
        startNext()
    }

    private func forget(_ run: Run) {
        if let token = run.tokens[0] { loop.unwatch(run.output, token) }
        if let token = run.tokens[1] { loop.unwatch(run.child.descriptor, token) }
        if let token = run.tokens[2], let feed = run.feed { loop.unwatch(feed.pipe, token) }
        if let timer = run.timer { deadlines.remove(timer) }
        running[run.child.pid] = nil
        queue.ended()
    }
}

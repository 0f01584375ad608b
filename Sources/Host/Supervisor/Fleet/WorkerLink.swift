internal import HostPolicy
internal import HostSystem
internal import HostValues
internal import HostWire

/// The supervisor's side of one worker process: its channel, its output, its ledger and its end.
///
/// It reports what happens to its owner; `WorkerLifecycle` makes the decisions.
final class WorkerLink: WorkerProcess {
    /// A report to the owner.
    enum Report {
        case event(WorkerEvent)
        /// A line of the worker's standard output or standard error.
        case output(isError: Bool, String)
        /// A line on the channel that is not an event.
        case garbage
        /// The worker has closed the channel, but is still alive.
        case left
        /// Output lines that came too fast were dropped.
        case outputDropped(Int)
        /// The worker has ended but cannot be reaped, since another process traces it.
        case stuck
        /// The worker has ended, and everything that it sent before was reported.
        case died(ProcessEnd)
    }

    /// The number of bytes read from one worker before others get their turn.
    private static let share = 256 << 10
    /// The number of bytes read at once.
    private static let most = 65_536
    /// The number of bytes read after the worker's death, more than pipe and socket hold: a process that it left may go
    /// on writing.
    private static let rest = 4 << 20

    var pid: Int32 { child.pid }
    let caches: String?
    private var slotCount = 0
    private var slots: [RoutineKey: Int] = [:]

    private let hasReports: Bool
    private let child: ChildProcess
    private let channel: Descriptor
    private let output: Descriptor
    private let errors: Descriptor
    private let ledger: WorkerLedger
    private let page: Descriptor
    private var words = LastWords()
    private var ledgerSlots = 0
    private let loop: EventLoop
    private let clock: any HostClock
    private var tokens: [EventLoop.Token?] = [nil, nil, nil, nil]
    /// The longest line is the description of a plugin: some 80 bytes for each of up to 100 000 routines. While no
    /// description is awaited, the smaller limit applies.
    private static let longestDescription = 32 << 20
    private static let longestLine = 1 << 20
    private var lines = LineSplitter(limit: longestLine)
    private var awaited = 0
    private var outputLines = [LineSplitter(limit: 8192), LineSplitter(limit: 8192)]
    private var unsent: [UInt8] = []
    /// Whether the channel is watched for room to send.
    private var isBlocked = false
    private var isStuck = false
    /// The budget for printed lines: 200 lines a second in the long run.
    private var outputBudget = LineBudget(atOnce: 1000, perSecond: 200)
    /// The budget for log lines: a little more than a worker sends that keeps to its own budget.
    private var logBudget = LineBudget(atOnce: 5000, perSecond: 2500)
    private let report: (Report) -> Void

    /// Identifies a routine in a worker.
    struct RoutineKey: Hashable {
        let plugin: Int
        let routine: Int
    }

    /// The parameters for starting a worker.
    struct Setup {
        var name: String
        var ledgerName: String
        var reportName: String
        /// The path for a crash report, and the program that writes it.
        var crashReport: (path: String, backtracer: String)?
        var logLevel: Int32
        var limits: WorkerLimits
        /// The control groups that it joins.
        var groups = GroupMembership()
        /// The user that it becomes; nil if it stays the host's.
        var user: UInt32?
        /// The owner of its folders, and the folder of its disk caches.
        var home: WorkerHome?
        var caches: String?
        /// The path of the file that it loads.
        var copy = ""
        /// The sandbox policy; nil for a worker without a sandbox.
        var policy: [UInt8]?
        /// The library search of its dynamic linker.
        var libraries = LibrarySearch()
        /// The mark that identifies its processes.
        var mark = HostMark(pid: HostProcess.pid, number: 0)
        /// Further environment variables, `NAME=value`.
        var variables: [String] = []
    }

    /// Starts a worker that counts in that ledger.
    init(
        _ setup: Setup, ledger: consuming WorkerLedger, loop: EventLoop, clock: any HostClock,
        report: @escaping (Report) -> Void
    ) throws(SystemError) {
        hasReports = setup.crashReport != nil
        self.loop = loop
        self.clock = clock
        self.report = report
        self.ledger = ledger
        page = try CrashPage.make()
        let sockets = try DescriptorPair.socket()
        let out = try DescriptorPair.pipe()
        let err = try DescriptorPair.pipe()
        let nowhere = try Directory("/dev").openForReading("null")
        let policy = try Descriptor.memory("schedhost-sandbox")
        try policy.writeAll(setup.policy ?? [], subject: "sandbox")
        caches = setup.caches
        var descriptors: [(from: Int32, to: Int32)] = [
            (nowhere.raw, 0), (out.second.raw, 1), (err.second.raw, 2), (sockets.second.raw, 3),
            (self.ledger.file.raw, 4), (page.raw, 5),
        ]
        if setup.policy != nil { descriptors.append((policy.raw, 6)) }
        let launch = ChildProcess.Launch(
            executable: "/proc/self/exe",
            arguments: ["schedhost", "worker", "\(setup.logLevel)", "\(HostProcess.pid)"] + setup.limits.arguments
                + setup.groups.arguments
                + (setup.user.map { ["user=\($0)"] } ?? []) + [setup.name],
            environment: Self.environment(setup) + setup.variables, descriptors: descriptors)
        child = try ChildProcess(launch)
        channel = sockets.first
        output = out.first
        errors = err.first
        try output.setNonBlocking()
        try errors.setNonBlocking()
        tokens[0] = try loop.watch(channel) { [weak self] readiness in self?.serveChannel(readiness) }
        tokens[1] = try loop.watch(output) { [weak self] _ in self?.readOutput(isError: false, all: false) }
        tokens[2] = try loop.watch(errors) { [weak self] _ in self?.readOutput(isError: true, all: false) }
        tokens[3] = try loop.watch(child.descriptor) { [weak self] _ in self?.reap() }
    }

    static let inherited = ServiceManager.environmentForOthers(HostProcess.environment())
        .filter { !$0.hasPrefix("SWIFT_BACKTRACE=") && !$0.hasPrefix("\(HostMark.variable)=") }

    /// The environment of a worker: the host's without the service manager's variables, with the settings of the
    /// backtracer.
    private static func environment(_ setup: Setup) -> [String] {
        let names = setup.variables.map { $0.prefix { $0 != "=" } + "=" }
        let own =
            setup.limits.sandbox.level == .off
            ? inherited : WorkerEnvironment.scrubbed(inherited, with: setup.limits.sandbox.environment)
        let others = own.filter { entry in !names.contains { entry.hasPrefix($0) } }
        let ours = LibraryPath.environment(others, with: setup.libraries) + [setup.mark.entry]
        guard let (path, backtracer) = setup.crashReport else { return ours + ["SWIFT_BACKTRACE=enable=no"] }
        return ours + [
            "SWIFT_BACKTRACE=enable=yes,format=json,interactive=no,color=no,threads=crashed,images=none,"
                + "registers=none,output-to=\(path),swift-backtrace=\(backtracer)"
        ]
    }

    // MARK: Sending

    /// Sends a command; what the socket does not take now is sent later.
    func send(_ command: WorkerCommand) {
        if case .load(let load) = command, !load.isForRunning { expect(1) }
        unsent += command.line() + [UInt8(ascii: "\n")]
        flush()
    }

    /// The slot of a routine in this worker's ledger, which is extended if necessary; nil if the ledger is full.
    func slot(plugin: Int, routine: Int) throws(SystemError) -> Int? {
        let key = RoutineKey(plugin: plugin, routine: routine)
        if let slot = slots[key] { return slot }
        guard slotCount < LedgerSlot.mostInFile else { return nil }
        if slotCount >= ledgerSlots {
            let wanted = max(8, ledgerSlots * 2)
            try ledger.lengthen(from: ledgerSlots, to: wanted)
            ledgerSlots = wanted
        }
        slots[key] = slotCount
        slotCount += 1
        return slotCount - 1
    }

    /// The state in a slot of the ledger.
    func snapshot(slot: Int) -> LedgerSnapshot? { ledger.snapshot(slot: slot) }

    /// Whether a slot's replica was overwritten by something other than the worker.
    func isSpoiled(slot: Int) -> Bool { ledger.isSpoiled(slot: slot) }

    /// The content of its crash page.
    var crash: CrashPage.Contents? { CrashPage.read(page) }

    /// What it wrote to standard error within the last two seconds: at most four lines, joined to one.
    func lastWords(now: MonotonicTime) -> String { words.text(since: now - 2_000_000_000) }

    /// A slot's bytes.
    func slotBytes(_ slot: Int) -> [UInt8]? { ledger.bytes(slot: slot) }

    /// Sends a signal to the process.
    func signal(_ number: Int32) { child.signal(number) }

    /// Sends a signal to one of its threads; returns false if there is no such thread.
    func signal(_ number: Int32, thread: Int32) -> Bool { child.signal(number, thread: thread) }

    /// Sends SIGKILL to the process and its process group.
    func kill() {
        child.signal(Signals.kill)
        child.killGroup()
    }

    /// The number of its zombie children, at most `most`.
    func deadChildren(most: Int) -> Int { HostProcess.deadChildren(of: pid, most: most) }

    // MARK: Receiving

    private func serveChannel(_ readiness: Poller.Readiness) {
        if readiness.contains(.writable) { flush() }
        if !readiness.isDisjoint(with: [.readable, .closed]) { readChannel(all: false) }
    }

    private func flush() {
        var sent = 0
        while sent < unsent.count {
            do {
                sent += try unsafe unsent.withUnsafeBytes { bytes in
                    try unsafe channel.send(UnsafeRawBufferPointer(rebasing: bytes[sent...]), wait: false)
                }
            } catch {
                if (error as? SystemError)?.wouldBlock != true { sent = unsent.count }  // dead; `reap` comes next
                break
            }
        }
        if sent == unsent.count { unsent = [] } else { unsent.removeFirst(sent) }
        guard let token = tokens[0], isBlocked == unsent.isEmpty else { return }
        isBlocked.toggle()
        try? loop.rewatch(channel, token, for: isBlocked ? [.readable, .writable] : .readable)
    }

    /// Reads what has arrived. Unless `all` is set, stops after `share` bytes, so that one worker cannot delay the
    /// others.
    private func readChannel(all: Bool) {
        var taken = 0
        while taken < (all ? Self.rest : Self.share) {
            guard let bytes = Self.receive(channel) else { return }
            if bytes.isEmpty {
                unwatch(0)
                return all ? () : report(.left)
            }
            taken += bytes.count
            var events: [Report] = []
            lines.take(bytes) { line in if let event = Self.decode(line) { events.append(event) } }
            for event in events {
                switch event {
                case .event(.described), .event(.refused): expect(-1)
                case .event(.log(let line)):
                    let (isAllowed, dropped) = logBudget.spend(bytes: line.text.utf8.count, at: clock.monotonic())
                    if dropped > 0 { report(.event(.dropped(count: dropped))) }
                    if !isAllowed { continue }
                case .event(.ended(let ended)) where ended.reason.isFailure:
                    // What was printed before the end comes by other pipes, and belongs before it in the log.
                    readOutput(isError: false, all: false)
                    readOutput(isError: true, all: false)
                case .event, .output, .garbage, .left, .outputDropped, .stuck, .died: break
                }
                report(event)
            }
            // Either there is no more, or the loop calls again.
            if !all, bytes.count < Self.most { return }
        }
    }

    /// Adjusts the number of awaited descriptions.
    private func expect(_ more: Int) {
        awaited = max(0, awaited + more)
        lines.limit = awaited > 0 ? Self.longestDescription : Self.longestLine
    }

    /// The report for a line; nil for an empty line, which a worker sends before each event.
    static func decode(_ line: LineSplitter.Line) -> Report? {
        if case .whole(let text) = line, text.isEmpty { return nil }
        guard case .whole(let text) = line,
            let event = WorkerEvent(line: text)
        else { return .garbage }
        return .event(event)
    }

    /// The next bytes; empty at the end of the stream, nil if there are none now.
    private static func receive(_ socket: borrowing Descriptor) -> [UInt8]? {
        var failure: SystemError?
        let bytes = unsafe [UInt8](unsafeUninitializedCapacity: most) { buffer, count in
            do throws(SystemError) {
                count = try unsafe socket.receive(into: UnsafeMutableRawBufferPointer(buffer))
            } catch {
                failure = error
            }
        }
        return failure?.wouldBlock == true ? nil : bytes
    }

    private func readOutput(isError: Bool, all: Bool) {
        var taken = 0
        while taken < (all ? Self.rest : Self.share) {
            guard let bytes = isError ? Self.read(errors) : Self.read(output) else { return }
            if bytes.isEmpty { return unwatch(isError ? 2 : 1) }
            taken += bytes.count
            var texts: [String] = []
            outputLines[isError ? 1 : 0].take(bytes) { line in
                switch line {
                case .whole(let text): texts.append(String(decoding: text, as: UTF8.self))
                case .cut(let text): texts.append(String(decoding: text, as: UTF8.self) + "…")
                }
            }
            for text in texts { tell(isError: isError, text) }
            if !all, bytes.count < Self.most { return }
        }
    }

    private func tell(isError: Bool, _ text: String) {
        // These are the backtracer's own lines; the record has what it found.
        if isError, hasReports, text.isEmpty || text.hasPrefix("*** Signal ") { return }
        let now = clock.monotonic()
        if isError { words.add(text, at: now) }
        let (isAllowed, dropped) = outputBudget.spend(bytes: text.utf8.count, at: now)
        if dropped > 0, isAllowed { report(.outputDropped(dropped)) }
        if isAllowed { report(.output(isError: isError, text)) }
    }

    private static func read(_ pipe: borrowing Descriptor) -> [UInt8]? {
        var failure: SystemError?
        let bytes = unsafe [UInt8](unsafeUninitializedCapacity: most) { buffer, count in
            do throws(SystemError) {
                count = try unsafe pipe.read(into: UnsafeMutableRawBufferPointer(buffer))
            } catch {
                failure = error
            }
        }
        return failure?.wouldBlock == true ? nil : bytes
    }

    // MARK: The end of the process

    /// Handles the end of the process: reads everything that it sent, and kills the rest of its process group.
    private func reap() {
        guard let end = child.ended() else {
            // Its descriptor stays readable, so it is unwatched; reaping is retried when any child of the host ends.
            isStuck = true
            unwatch(3)
            return report(.stuck)
        }
        isStuck = false
        unwatch(3)
        child.killGroup()
        readChannel(all: true)
        readOutput(isError: false, all: true)
        readOutput(isError: true, all: true)
        for (index, isError) in [false, true].enumerated() {
            if case .whole(let rest)? = outputLines[index].finish() {
                tell(isError: isError, String(decoding: rest, as: UTF8.self))
            }
        }
        for index in 0..<3 { unwatch(index) }
        let unseen = logBudget.takeDropped()
        if unseen > 0 { report(.event(.dropped(count: unseen))) }
        _ = child.reap()
        report(.died(end))
    }

    /// Tries to reap it again, if that was not possible before.
    func reapIfStuck() {
        guard isStuck, child.ended() != nil else { return }
        reap()
    }

    /// Stops watching it.
    func abandon() {
        isStuck = false
        for index in 0...3 { unwatch(index) }
    }

    private func unwatch(_ index: Int) {
        guard let token = tokens[index] else { return }
        tokens[index] = nil
        switch index {
        case 0: loop.unwatch(channel, token)
        case 1: loop.unwatch(output, token)
        case 2: loop.unwatch(errors, token)
        default: loop.unwatch(child.descriptor, token)
        }
    }
}

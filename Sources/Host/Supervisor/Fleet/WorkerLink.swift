internal import HostPolicy
internal import HostSystem
internal import HostValues
internal import HostWire

/// One worker process as the supervisor holds it: its channel, its output, its ledger and its end.
///
/// It tells its owner what comes; what is decided about it is decided in its `WorkerLifecycle`.
final class WorkerLink: WorkerProcess {
    /// What the supervisor is told.
    enum Report {
        case event(WorkerEvent)
        /// A line of its standard output or standard error.
        case output(isError: Bool, String)
        /// A line on the channel that is no event.
        case garbage
        /// It has closed the channel, and is not dead yet.
        case left
        /// Output lines were dropped because they came too fast.
        case outputDropped(Int)
        /// It has ended, and cannot be reaped: another process traces it.
        case stuck
        /// It has ended, and everything that it said before was reported.
        case died(ProcessEnd)
    }

    /// Bytes that are taken from one worker before the others have their turn.
    private static let share = 256 << 10
    /// Bytes that are read at once.
    private static let most = 65_536
    /// Bytes that are taken after its death, more than pipe and socket hold: a process that it left behind may go on writing.
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
    /// The longest line is the description of a plugin: some 80 bytes a routine, and there may be 100 000. While none is
    /// awaited, no line is so long.
    private static let longestDescription = 32 << 20
    private static let longestLine = 1 << 20
    private var lines = LineSplitter(limit: longestLine)
    private var awaited = 0
    private var outputLines = [LineSplitter(limit: 8192), LineSplitter(limit: 8192)]
    private var unsent: [UInt8] = []
    /// Whether the channel is watched for room.
    private var isBlocked = false
    private var isStuck = false
    /// What its plugins print: 200 lines a second for long.
    private var outputBudget = LineBudget(atOnce: 1000, perSecond: 200)
    /// Its log lines: a little more than a worker sends that keeps to its own budget.
    private var logBudget = LineBudget(atOnce: 5000, perSecond: 2500)
    private let report: (Report) -> Void

    /// A routine's place in a worker.
    struct RoutineKey: Hashable {
        let plugin: Int
        let routine: Int
    }

    /// What a worker is started with.
    struct Setup {
        var name: String
        var ledgerName: String
        var reportName: String
        /// Where the report of a crash goes, and the program that writes it.
        var crashReport: (path: String, backtracer: String)?
        var logLevel: Int32
        var limits: WorkerLimits
        /// Whose folders it has, and where its disk caches are.
        var home: WorkerHome?
        var caches: String?
        /// The file that it loads.
        var copy = ""
        /// What it may touch, where it has a sandbox.
        var policy: [UInt8]?
        /// What the dynamic linker is told about what plugins need.
        var libraries = LibrarySearch()
        /// What tells its processes from others.
        var mark = HostMark(pid: HostProcess.pid, number: 0)
        /// Further variables of its environment, `NAME=value`.
        var variables: [String] = []
    }

    /// Starts a worker that counts in that file.
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
                + [setup.name],
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

    /// The environment of a worker: ours without the service manager's, and the backtracer told where its report goes.
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

    // MARK: Telling it

    /// Sends a command; what the socket does not take now follows later.
    func send(_ command: WorkerCommand) {
        if case .load(let load) = command, !load.isForRunning { expect(1) }
        unsent += command.line() + [UInt8(ascii: "\n")]
        flush()
    }

    /// The slot of a routine in this worker's ledger, which is made long enough for it; nil when it is full.
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

    /// What the ledger says of a slot.
    func snapshot(slot: Int) -> LedgerSnapshot? { ledger.snapshot(slot: slot) }

    /// Whether a slot that says nothing of its session was written on.
    func isSpoiled(slot: Int) -> Bool { ledger.isSpoiled(slot: slot) }

    /// What its crash page says.
    var crash: CrashPage.Contents? { CrashPage.read(page) }

    /// What it wrote to standard error within the last two seconds; at most four lines as one.
    func lastWords(now: MonotonicTime) -> String { words.text(since: now - 2_000_000_000) }

    /// A slot's bytes.
    func slotBytes(_ slot: Int) -> [UInt8]? { ledger.bytes(slot: slot) }

    /// Sends a signal to the process.
    func signal(_ number: Int32) { child.signal(number) }

    /// Sends a signal to one of its threads; false when there is no such thread.
    func signal(_ number: Int32, thread: Int32) -> Bool { child.signal(number, thread: thread) }

    /// Sends SIGKILL to the process and to its group.
    func kill() {
        child.signal(Signals.kill)
        child.killGroup()
    }

    /// How many children of it are dead and not reaped, up to `most`.
    func deadChildren(most: Int) -> Int { HostProcess.deadChildren(of: pid, most: most) }

    // MARK: Hearing it

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
                if (error as? SystemError)?.wouldBlock != true { sent = unsent.count }  // it is dead: reap follows
                break
            }
        }
        if sent == unsent.count { unsent = [] } else { unsent.removeFirst(sent) }
        guard let token = tokens[0], isBlocked == unsent.isEmpty else { return }
        isBlocked.toggle()
        try? loop.rewatch(channel, token, for: isBlocked ? [.readable, .writable] : .readable)
    }

    /// Reads what is there; not for ever, so that one worker cannot keep the others waiting.
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
                    // What was printed before comes by other pipes, and belongs before the end.
                    readOutput(isError: false, all: false)
                    readOutput(isError: true, all: false)
                case .event, .output, .garbage, .left, .outputDropped, .stuck, .died: break
                }
                report(event)
            }
            // There is no more, or the loop comes back.
            if !all, bytes.count < Self.most { return }
        }
    }

    /// So many more descriptions are awaited.
    private func expect(_ more: Int) {
        awaited = max(0, awaited + more)
        lines.limit = awaited > 0 ? Self.longestDescription : Self.longestLine
    }

    /// The report of a line; nil for an empty one, which a worker sends before each event.
    static func decode(_ line: LineSplitter.Line) -> Report? {
        if case .whole(let text) = line, text.isEmpty { return nil }
        guard case .whole(let text) = line,
            let event = WorkerEvent(line: text)
        else { return .garbage }
        return .event(event)
    }

    /// The next bytes: empty at the end, nil when there are none now.
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
        // The backtracer's own lines: what it found is in the record.
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

    // MARK: Its end

    /// It has ended: everything it said is read first, then what is left of its process group is killed.
    private func reap() {
        guard let end = child.ended() else {
            // Its descriptor stays ready: it is looked at again when the host hears of the end of a child.
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

    /// Looks again whether it can be reaped, when it could not before.
    func reapIfStuck() {
        guard isStuck, child.ended() != nil else { return }
        reap()
    }

    /// Watches it no more.
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

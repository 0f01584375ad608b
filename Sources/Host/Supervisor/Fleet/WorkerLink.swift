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
        /// Lines come too fast, and some are dropped: by that road.
        case flood(Road, FloodWatch.News)
        /// Its plugin writes on the channel without end, or keeps it from being read.
        case channelAbused(ChannelAbuse)
        /// It has ended, and cannot be reaped: another process traces it.
        case stuck
        /// The worker has ended, and everything that it sent before was reported.
        case died(ProcessEnd)
    }

    /// How lines reach the host.
    enum Road {
        /// By the log of the ABI.
        case log
        /// Printed.
        case output
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
    private var places = LedgerPlaces()
    let child: ChildProcess
    private let channel: Descriptor
    private let output: Descriptor
    private let errors: Descriptor
    private let ledger: WorkerLedger
    let page: Descriptor
    let paper: ReportPaper?
    private let loop: EventLoop
    private let clock: any HostClock
    private var tokens: [EventLoop.Token?] = [nil, nil, nil, nil]
    private var hearing = WorkerHearing()
    private var printed: WorkerOutput
    /// What its channel, its output and its errors may cost. That of the events that are told has bounds of its own.
    private var shares = [ReadingShare](repeating: ReadingShare(atOnce: 50_000_000, part: 200), count: 3)
    private var channelFlood = ChannelFlood()
    private var pauses: SourcePauses?
    private var backlog = CommandBacklog()
    /// Whether the channel is watched for room to send.
    private var isBlocked = false
    private var isStuck = false
    private let report: (Report) -> Void

    /// Starts a worker that counts in that ledger.
    init(
        _ setup: Setup, ledger: consuming WorkerLedger, loop: EventLoop, clock: any HostClock,
        report: @escaping (Report) -> Void
    ) throws(SystemError) {
        printed = WorkerOutput(hasReports: setup.crashReport != nil)
        self.loop = loop
        self.clock = clock
        self.report = report
        self.ledger = ledger
        page = try CrashPage.make()
        let sockets = try DescriptorPair.socket()
        let out = try DescriptorPair.pipe()
        let err = try DescriptorPair.pipe()
        let nowhere = try Directory("/dev").openForReading("null")
        caches = setup.caches
        var descriptors: [(from: Int32, to: Int32)] = [
            (nowhere.raw, 0), (out.second.raw, 1), (err.second.raw, 2), (sockets.second.raw, 3),
            (self.ledger.file.raw, 4), (page.raw, 5),
        ]
        if let leases = setup.leases?.raw { descriptors.append((leases, 7)) }
        paper = setup.crashReport?.paper
        if let paper { descriptors.append((paper.file.raw, paper.number)) }
        let sandbox = try setup.sandbox.begin()
        if let sandbox { descriptors.append((sandbox.policy.descriptor.raw, 6)) }
        if let ruleset = sandbox?.ruleset { descriptors.append((ruleset.descriptor.raw, 8)) }
        let launch = ChildProcess.Launch(
            executable: "/proc/self/exe", arguments: setup.arguments(hasRules: sandbox?.ruleset != nil),
            environment: setup.environment, descriptors: descriptors)
        child = try ChildProcess(launch)
        channel = sockets.first
        output = out.first
        errors = err.first
        do throws(SystemError) {
            try watch()
            try setup.prepare?()
            if let key = self.ledger.key { backlog.add(.seal(key)) }
            if let sandbox { backlog.add(try sandbox.complete()) }
        } catch {
            giveUp()
            throw error
        }
        flush()
    }

    private func watch() throws(SystemError) {
        try output.setNonBlocking()
        try errors.setNonBlocking()
        tokens[0] = try loop.watch(channel) { [weak self] readiness in
            if readiness.contains(.writable) { self?.flush() }
            if !readiness.isDisjoint(with: [.readable, .closed]) { self?.readChannel(all: false) }
        }
        tokens[1] = try loop.watch(output) { [weak self] _ in self?.readOutput(isError: false, all: false) }
        tokens[2] = try loop.watch(errors) { [weak self] _ in self?.readOutput(isError: true, all: false) }
        tokens[3] = try loop.watch(child.descriptor) { [weak self] _ in self?.reap() }
    }

    /// Ends a worker that was started in vain, and has loaded nothing. A process is gone at once after SIGKILL; if it is not,
    /// the host does not wait for it.
    private func giveUp() {
        abandon()
        kill()
        _ = try? child.descriptor.waitUntilReadable(milliseconds: 1000)
        _ = child.reap()
    }

    // MARK: Sending

    /// Sends a command; what the socket does not take now is sent later.
    func send(_ command: WorkerCommand) { send(command, passing: nil) }

    /// Sends a command with a descriptor.
    func send(_ command: WorkerCommand, passing descriptor: PassedDescriptor?) {
        hearing.sent(command)
        backlog.add(command, passing: descriptor)
        flush()
        if backlog.isHopeless(at: clock.monotonic()) { report(.channelAbused(.isDeaf)) }
    }

    /// The slot of a routine in this worker's ledger, which is extended if necessary; nil if the ledger is full.
    func slot(plugin: Int, routine: Int) throws(SystemError) -> Int? {
        try places.slot(plugin: plugin, routine: routine) { (old, new) throws(SystemError) in
            try ledger.lengthen(from: old, to: new)
        }
    }

    /// The state in a slot of the ledger.
    func snapshot(slot: Int) -> LedgerSnapshot? { ledger.snapshot(slot: slot) }

    /// Whether a slot's replica was overwritten by something other than the worker.
    func isSpoiled(slot: Int) -> Bool { ledger.isSpoiled(slot: slot) }

    /// What it wrote to standard error within the last two seconds; at most four lines as one.
    func lastWords(now: MonotonicTime) -> String { printed.words.text(since: now - 2_000_000_000) }

    func slotBytes(_ slot: Int) -> LedgerBytes? { ledger.bytes(slot: slot) }

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

    private func flush() {
        let isBlockedNow = unsafe backlog.send { (bytes, passed) throws(SystemError) in
            guard let passed else { return try unsafe channel.send(bytes, wait: false) }
            return try unsafe channel.send(bytes, passing: passed.descriptor.raw)
        }
        guard isBlocked != isBlockedNow else { return }
        isBlocked.toggle()
        rewatch(0)
    }

    /// Watches a source for what is wanted of it now.
    private func rewatch(_ source: Int) {
        guard let token = tokens[source] else { return }
        var wanted: Poller.Readiness = pauses?.isPaused(source) == true ? [] : .readable
        if source == 0, isBlocked { wanted.insert(.writable) }
        switch source {
        case 0: try? loop.rewatch(channel, token, for: wanted)
        case 1: try? loop.rewatch(output, token, for: wanted)
        default: try? loop.rewatch(errors, token, for: wanted)
        }
    }

    /// So much was spent on a source: beyond its share it is left alone for a while, and true is returned.
    private func isPaused(_ source: Int, afterSpending time: Int64) -> Bool {
        guard let pause = shares[source].spend(time, at: clock.monotonic()), tokens[source] != nil else { return false }
        guard ensurePauses().pause(source, for: pause) else { return false }
        rewatch(source)
        return true
    }

    private func ensurePauses() -> SourcePauses {
        if let pauses { return pauses }
        let made = SourcePauses(loop: loop, clock: clock) { [weak self] sources in
            guard let self else { return }
            for source in sources { rewatch(source) }
            let now = clock.monotonic()
            tell(hearing.look(at: now))
            tell(printed.look(at: now))
        }
        pauses = made
        return made
    }

    /// Looks again when a flood may be over.
    private func setLook() {
        let next = min(hearing.nextCheck ?? .never, printed.nextCheck ?? .never)
        if next != .never { ensurePauses().look(at: next) } else { pauses?.look(at: nil) }
    }

    /// Reads what has arrived. Unless `all` is set, stops after `share` bytes, so that one worker cannot delay the
    /// others.
    private func readChannel(all: Bool) {
        var taken = 0
        while taken < (all ? Self.rest : Self.share) {
            let read = unsafe Self.bytes { (buffer) throws(SystemError) in try unsafe channel.receive(into: buffer) }
            guard let bytes = read else { return }
            if bytes.isEmpty {
                unwatch(0)
                return all ? () : report(.left)
            }
            taken += bytes.count
            let now = clock.monotonic()
            let heard = hearing.take(bytes, at: now)
            tell(heard.told)
            // There is no more, or the loop comes back.
            let isFull = bytes.count == Self.most
            if all { continue }
            let isOverdrawn = isPaused(0, afterSpending: heard.cost)
            if isOverdrawn, heard.isForeign, channelFlood.overdrawn(at: now) { report(.channelAbused(.floods)) }
            if isOverdrawn || !isFull { return }
        }
    }

    private func tell(_ heard: [WorkerHearing.Told]) {
        for one in heard {
            switch one {
            case .garbage: report(.garbage)
            case .flood(let news): report(.flood(.log, news))
            case .event(let event, let isOwed):
                if isOwed, case .ended(let ended) = event, ended.reason.isFailure {
                    // What was printed before comes by other pipes, and belongs before the end.
                    for source in 1...2 where pauses?.isPaused(source) != true {
                        readOutput(isError: source == 2, all: false)
                    }
                }
                report(.event(event))
            }
        }
        setLook()
    }

    /// The next bytes: empty at the end, nil when there are none now.
    private static func bytes(_ read: (UnsafeMutableRawBufferPointer) throws(SystemError) -> Int) -> [UInt8]? {
        var failure: SystemError?
        let bytes = unsafe [UInt8](unsafeUninitializedCapacity: most) { buffer, count in
            do throws(SystemError) {
                count = try unsafe read(UnsafeMutableRawBufferPointer(buffer))
            } catch {
                failure = error
            }
        }
        return failure?.wouldBlock == true ? nil : bytes
    }

    private func readOutput(isError: Bool, all: Bool) {
        let source = isError ? 2 : 1
        var taken = 0
        while taken < (all ? Self.rest : Self.share) {
            // What reading and telling take is measured: it depends on the lines, on where the log goes, on the machine.
            let before = threadProcessorTime()
            let read = unsafe Self.bytes { (buffer) throws(SystemError) in
                isError ? try unsafe errors.read(into: buffer) : try unsafe output.read(into: buffer)
            }
            guard let bytes = read else { return }
            if bytes.isEmpty { return unwatch(source) }
            taken += bytes.count
            let told = printed.take(bytes, isError: isError, at: clock.monotonic())
            tell(told)
            if all { continue }
            let took = threadProcessorTime() - before
            let charge = WorkerOutput.charge(took, bytes: bytes.count, lines: told.count)
            if isPaused(source, afterSpending: charge) || bytes.count < Self.most { return }
        }
    }

    private func tell(_ told: [WorkerOutput.Told]) {
        for one in told {
            switch one {
            case .line(let isError, let text): report(.output(isError: isError, text))
            case .flood(let news): report(.flood(.output, news))
            }
        }
        setLook()
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
        tell(hearing.finish())
        tell(printed.finish(at: clock.monotonic()))
        for index in 0..<3 { unwatch(index) }
        pauses?.stop()
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
        pauses?.stop()
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

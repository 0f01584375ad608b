internal import HostInspection
internal import HostPolicy
internal import HostSystem
internal import HostValues

/// Scans the files of the plugins directory: decides which to scan when, and what follows from the results.
final class PluginScanner {
    /// How long files are scanned before the loop's other work gets a turn, in ns.
    private static let share: Int64 = 5_000_000
    /// After how long an inconclusive scan is repeated, in ns.
    static let retry: Int64 = 2_000_000_000
    /// For how long after the start an inconclusive scan is not logged, in ns. The kernel frees the disk space of files
    /// that the previous host has removed only when the sandboxes of the workers that had loaded them are gone.
    private static let leftovers: Int64 = 1_000_000_000

    /// Called with the consequence of a scan, the file's name, and the file if it is a plugin; see
    /// `PluginDirectory.Action`.
    var found: (PluginDirectory.Action, String, PluginFile?) -> Void = { _, _, _ in }
    private let folder: any PluginFolder
    private let clock: any HostClock
    private let deadlines: Deadlines
    private let log: any LogSink
    private var known = PluginDirectory()
    private var scans = PendingScans()
    private var pace = ScanPace()
    private var scanTimer: Deadlines.Timer?
    private var graceTimer: Deadlines.Timer?
    /// Libraries of which it is not known yet whether a plugin needs them.
    private var libraries: [String: (why: String, stamp: PluginDirectory.Stamp?, isPatient: Bool)] = [:]
    private var hasFault = false
    private var isStopped = false
    private let began: MonotonicTime

    /// Makes a scanner that has scanned nothing yet.
    init(_ folder: any PluginFolder, clock: any HostClock, deadlines: Deadlines, log: any LogSink) {
        self.folder = folder
        self.clock = clock
        self.deadlines = deadlines
        self.log = log
        began = clock.monotonic()
        scanTimer = deadlines.make { [unowned self] _ in performScans() }
        graceTimer = deadlines.make { [unowned self] _ in endGracePeriods() }
    }

    /// Whether there is nothing left to scan or to wait for.
    var isSettled: Bool { scans.isSettled && known.deadline == .never }

    /// The files that are not plugins, with the reasons.
    var refusals: [(name: String, why: String)] { known.refusals }

    /// The names of files that have yet to be scanned.
    var pending: [String] { scans.names }

    /// The content that a file had at the last scan, if it is a plugin.
    func content(of name: String) -> String? { known.content(of: name) }

    /// Stops all scanning.
    func stop() {
        isStopped = true
        scans.removeAll()
        for timer in [scanTimer, graceTimer] { set(timer, at: nil) }
    }

    /// Scans the whole directory.
    func scanAll(isPatient: Bool = true) {
        guard !isStopped else { return }
        for name in Set(folder.names() ?? []).union(known.names) where PluginFile.isCandidate(name) {
            scans.add(name, scans[name] ?? PendingScans.Scan(isPatient: isPatient))
        }
        performScans()
    }

    /// Scans what has changed in the directory.
    func directoryChanged(_ change: DirectoryWatch.Change) {
        for name in change.touched.subtracting(change.settled) where PluginFile.isCandidate(name) {
            scans.add(name, PendingScans.Scan(isForced: true, mayBeWritten: true))
        }
        for name in change.settled where PluginFile.isCandidate(name) {
            scans.add(name, PendingScans.Scan(isForced: true))
        }
        // A change of a library changes the plugins that are linked with it.
        for name in folder.needing(change.settled.union(change.touched)) {
            scans.add(name, PendingScans.Scan(isForced: true))
        }
        if change.isWhole { scanAll() } else { performScans() }
    }

    private func set(_ timer: Deadlines.Timer?, at time: MonotonicTime?) {
        if let timer { deadlines.set(timer, at: time) }
    }

    /// Scans pending files for a limited time; the rest follows in the next round of the loop.
    private func performScans() {
        guard !isStopped else { return }
        defer { set(graceTimer, at: known.deadline == .never ? nil : known.deadline) }
        do throws(SystemError) {
            try folder.open()
            hasFault = false
        } catch {
            if error.isNotFound { return directoryIsGone() }
            // The error says nothing about the files, so the plugins keep running.
            if !hasFault { log.write(.error, "", "\(error)") }
            hasFault = true
            return set(scanTimer, at: clock.monotonic() + 1_000_000_000)
        }
        defer { folder.close() }
        // Removed files come first, since another file may have their name or content now.
        for name in scans.takeAdded() where folder.isGone(name) {
            scans.remove(name)
            note(.absent, of: name, stamp: nil, isPatient: true)
        }
        let now = clock.monotonic()
        let end = now + Self.share
        while let (name, scan) = scans.next(at: now) {
            perform(scan, of: name)
            if clock.monotonic() >= end { break }
        }
        if scans.deadline ?? .never > now { noteLibraries() }
        set(scanTimer, at: scans.deadline)
    }

    /// After all plugins were scanned, classifies the libraries: one that no plugin needs is probably an incomplete
    /// plugin.
    private func noteLibraries() {
        let libraries = self.libraries
        self.libraries = [:]
        for (name, library) in libraries.sorted(by: { $0.key < $1.key }) {
            let isNeeded = !folder.needing([name]).isEmpty
            let finding: PluginDirectory.Finding =
                isNeeded ? .library : library.isPatient ? .incomplete(why: library.why) : .refused(why: library.why)
            note(finding, of: name, stamp: library.stamp, isPatient: library.isPatient)
        }
    }

    private func directoryIsGone() {
        for name in known.names { note(.absent, of: name, stamp: nil, isPatient: true) }
        scans.removeAll()
    }

    private func perform(_ scan: PendingScans.Scan, of name: String) {
        let stamp = folder.stamp(of: name)
        if !scan.isForced, let stamp {
            if known.isKnown(name, stamp.stamp) { return }
            if let later = pace.opens(name, stamp.stamp.file, at: clock.monotonic()) {
                var scan = scan
                scan.notBefore = later
                scan.isRetry = true
                return scans.add(name, scan)
            }
        }
        let begin = clock.monotonic()
        defer { pace.note(name, stamp?.stamp.file, from: begin, to: clock.monotonic()) }
        libraries[name] = nil
        let kept = stamp.flatMap { $0.isFresh ? nil : $0.stamp }
        let finding = folder.scan(name, mayBeWritten: scan.mayBeWritten)
        switch finding {
        case .absent: note(.absent, of: name, stamp: nil, isPatient: true)
        case .busy: note(.busy, of: name, stamp: nil, isPatient: true)
        case .untold: break
        case .changing:
            note(.busy, of: name, stamp: nil, isPatient: true)
            // The writer's last event may have come before this scan.
            scanAgain(name, in: 20_000_000)
        case .incomplete(let why): note(.incomplete(why: why), of: name, stamp: kept, isPatient: scan.isPatient)
        case .unclear where clock.monotonic() - began < Self.leftovers:
            note(.busy, of: name, stamp: nil, isPatient: true)
            scanAgain(name, in: 20_000_000)
        case .unclear(let why):
            note(.unclear(why: why), of: name, stamp: nil, isPatient: true)
            scanAgain(name, in: Self.retry, isRetry: true)
        case .library(let why): libraries[name] = (why, kept, scan.isPatient)
        case .refused(let why): note(.refused(why: why), of: name, stamp: kept, isPatient: scan.isPatient)
        case .plugin(let file, let content):
            // A library that arrived before the plugin that needs it is no longer a fault.
            for (library, _) in known.refusals where folder.needing([library]).contains(name) {
                scans.add(library, PendingScans.Scan(isForced: true))
            }
            note(.plugin(content: content), of: name, stamp: kept, isPatient: scan.isPatient, file)
        }
    }

    /// Scans a file again after a while, even if no event reports a change.
    private func scanAgain(_ name: String, in time: Int64, isRetry: Bool = false) {
        scans.add(
            name, PendingScans.Scan(isForced: true, notBefore: clock.monotonic() + time, isRetry: isRetry))
    }

    private func endGracePeriods() {
        for (name, action) in known.expire(at: clock.monotonic()) { found(action, name, nil) }
        set(graceTimer, at: known.deadline == .never ? nil : known.deadline)
    }

    private func note(
        _ finding: PluginDirectory.Finding, of name: String, stamp: PluginDirectory.Stamp?, isPatient: Bool,
        _ file: PluginFile? = nil
    ) {
        found(known.take(name, finding, stamp: stamp, isPatient: isPatient, at: clock.monotonic()), name, file)
    }
}

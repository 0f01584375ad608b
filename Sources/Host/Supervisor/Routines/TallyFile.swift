internal import HostPolicy
internal import HostStore
internal import HostSystem
internal import HostValues

/// Stores the tallies that outlive the host: in its state directory, or in a test's memory.
protocol TallyFile: AnyObject {
    /// The tallies of the previous host, and a warning for the log.
    func load() -> (tallies: [String: RoutineTally], warning: String?)
    /// Replaces the tallies.
    func save(_ tallies: [String: RoutineTally]) throws(SystemError)
}

/// Stores the tallies in `tally.json` in the state directory.
final class StateTallies: TallyFile {
    private let store = TallyStore()
    private let directory: Directory

    init(in path: String) throws(SystemError) { directory = try Directory(path) }

    func load() -> (tallies: [String: RoutineTally], warning: String?) { store.load(from: directory) }

    func save(_ tallies: [String: RoutineTally]) throws(SystemError) { try store.save(tallies, in: directory) }
}

/// Keeps the state of the routines' policies for the next host: reads it at the start, and saves it shortly after
/// changes.
final class TallyKeeper {
    /// How long a save is delayed to combine changes, in ns, since a save waits for the disk.
    private static let delay: Int64 = 1_000_000_000
    /// After how long a failed save is retried, in ns.
    private static let retry: Int64 = 5_000_000_000

    /// The tallies as saved last, by `plugin/routine`, including those of absent routines.
    private(set) var saved: [String: RoutineTally]
    /// The routine of that key; nil if it is gone. Set by the owner.
    var routine: (Int) -> RoutineEntry? = { _ in nil }
    /// The routines that have changed since the last save. To look through all of them would cost more in each second than
    /// all that happens in it.
    private var changed: [Int] = []
    /// Tallies that could not be saved; nil where there is none any more.
    private var unsaved: [String: RoutineTally?] = [:]
    /// Saves other data at the same time. Set by the owner.
    var saveMore: () -> Void = {}
    private let file: any TallyFile
    private let clock: any HostClock
    private let deadlines: Deadlines
    private let log: any LogSink
    private var timer: Deadlines.Timer?
    private var isDue = false
    private var fault: SystemError?

    init(_ file: any TallyFile, clock: any HostClock, deadlines: Deadlines, log: any LogSink) {
        self.file = file
        self.clock = clock
        self.deadlines = deadlines
        self.log = log
        let (tallies, warning) = file.load()
        saved = tallies
        if let warning { log.write(.warning, "", warning) }
        timer = deadlines.make { [unowned self] _ in save() }
    }

    /// Notes that a routine has changed, which is saved shortly.
    func note(_ routine: RoutineEntry) {
        if !routine.isTallyDue {
            routine.isTallyDue = true
            changed.append(routine.key)
        }
        guard !isDue, let timer else { return }
        isDue = true
        deadlines.set(timer, at: clock.monotonic() + Self.delay)
    }

    /// Takes the tallies of the routines that have changed.
    private func takeChanges() {
        let now = clock.monotonic()
        let wall = clock.wall()
        for key in changed {
            guard let routine = routine(key) else { continue }
            routine.isTallyDue = false
            let tally = routine.policy.tally(at: now, wall: wall, isPaused: routine.isPaused)
            // Of many routines few have failed, and to make the identifiers of all would cost more than all the rest.
            if tally == nil, saved.isEmpty, unsaved.isEmpty { continue }
            let identifier = routine.identifier
            if tally == saved[identifier] {
                unsaved[identifier] = nil
            } else {
                unsaved.updateValue(tally, forKey: identifier)
            }
        }
        changed = []
    }

    /// Saves now, if anything is new. A failure is logged once, retried later, and returned.
    @discardableResult
    func save() -> SystemError? {
        isDue = false
        if let timer { deadlines.set(timer, at: nil) }
        saveMore()
        takeChanges()
        guard !unsaved.isEmpty else { return nil }
        var tallies = saved
        for (identifier, tally) in unsaved { tallies[identifier] = tally }
        do throws(SystemError) {
            try file.save(tallies)
            saved = tallies
            unsaved = [:]
            fault = nil
        } catch {
            if fault != error { log.write(.error, "", "\(error)") }
            fault = error
            isDue = true
            if let timer { deadlines.set(timer, at: clock.monotonic() + Self.retry) }
        }
        return fault
    }
}

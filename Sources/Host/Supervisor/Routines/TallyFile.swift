internal import HostPolicy
internal import HostStore
internal import HostSystem
internal import HostValues

/// Where the tallies are that outlive the host: its state directory, or a test's memory.
protocol TallyFile: AnyObject {
    /// Those that the host before this one left, and what is to be said about them.
    func load() -> (tallies: [String: RoutineTally], warning: String?)
    /// Replaces them.
    func save(_ tallies: [String: RoutineTally]) throws(SystemError)
}

/// `tally.json` in the state directory.
final class StateTallies: TallyFile {
    private let store = TallyStore()
    private let directory: Directory

    init(in path: String) throws(SystemError) { directory = try Directory(path) }

    func load() -> (tallies: [String: RoutineTally], warning: String?) { store.load(from: directory) }

    func save(_ tallies: [String: RoutineTally]) throws(SystemError) { try store.save(tallies, in: directory) }
}

/// What the next host must know of the routines' policies: read at the start, and saved a moment after it has changed.
final class TallyKeeper {
    /// How long changes wait for more changes, ns: a save waits for the disk.
    private static let delay: Int64 = 1_000_000_000
    /// After how long a save that failed is tried again, ns.
    private static let retry: Int64 = 5_000_000_000

    /// The tallies of all routines, also of those that are not there now, by `plugin/routine`.
    private(set) var saved: [String: RoutineTally]
    /// Those of the routines that are there now.
    var present: () -> [String: RoutineTally?] = { [:] }
    /// Saves what goes with them.
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

    /// Something has changed: it is saved in a moment.
    func changed() {
        guard !isDue, let timer else { return }
        isDue = true
        deadlines.set(timer, at: clock.monotonic() + Self.delay)
    }

    /// Saves now, if there is anything new. What cannot be saved is said once, and tried again: why it could not.
    @discardableResult
    func save() -> SystemError? {
        isDue = false
        if let timer { deadlines.set(timer, at: nil) }
        saveMore()
        var tallies = saved
        for (identifier, tally) in present() { tallies[identifier] = tally }
        guard tallies != saved else { return nil }
        do throws(SystemError) {
            try file.save(tallies)
            saved = tallies
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

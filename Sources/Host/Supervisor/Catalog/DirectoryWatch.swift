internal import HostSystem
internal import HostValues

/// Watches the plugins directory and its configuration file, and reports possible changes in batches, some milliseconds
/// after they occur.
///
/// Where a path leads may depend on links and folders at any level, and a file may be changed through another of its
/// names; all of these are watched too. Where the system does not report changes, the directory is polled: see `PollingReason`.
///
/// It holds no descriptor of the directory, so that its file system can be unmounted. While the directory does not
/// exist, it checks for it twice a second.
final class DirectoryWatch {
    /// A batch of changes to scan for.
    struct Change {
        /// Everything may have changed: events were lost, or the path leads to another directory.
        var isWhole = false
        /// Names whose writers have finished, or that appeared or disappeared in one step.
        var settled: Set<String> = []
        /// Names of files that were changed in place, by a writer that may not have finished.
        var touched: Set<String> = []

        var isEmpty: Bool { !isWhole && settled.isEmpty && touched.isEmpty }
    }

    /// What an event may affect.
    private enum Dependent: Hashable {
        case directory, configuration
        case entry(String)
    }

    /// How long it waits for further events, and how long in all, in ns.
    private static let quiet: Int64 = 8_000_000
    private static let longest: Int64 = 40_000_000
    /// How often it checks for a directory that does not exist, in ns.
    private static let returnPeriod: Int64 = 500_000_000
    /// How often it polls for changes that the system does not report, in ns.
    private static let surveyPeriod: Int64 = 2_000_000_000
    /// The events for a name in a folder that can change where a path leads.
    private static let naming: FileWatch.Kinds = [.movedHere, .movedAway, .created, .deleted]

    private let path: String
    private let configuration: String?
    private let events: FileEvents?
    private let mounts: MountTable?
    private let loop: EventLoop
    private let deadlines: Deadlines
    private let clock: any HostClock
    private let log: any LogSink
    private let handler: (Change) -> Void
    private var mark: FileWatch.Mark?
    private var dependents: [FileWatch.Mark: [String: Set<Dependent>]] = [:]
    private var mustFollow = false
    /// The entries that are mount points.
    private var mounted: Set<String> = []
    /// Whether no watch was left for the directory itself.
    private var isShort = false
    private var change = Change()
    private var first: MonotonicTime?
    private var timer: Deadlines.Timer?
    private var lookTimer: Deadlines.Timer?
    private let lasting: PollingReason?
    private var want: PollingReason?
    private var survey = DirectorySurvey()

    /// The name that stands for a configuration file outside of the directory in reported changes.
    static let configurationChange = "schedhost.json5"

    /// Starts to watch; the handler receives the changes from now on. `configuration` is the path of a configuration
    /// file in another directory. With `polls` it polls for changes, whatever the system reports.
    init(
        _ path: String, configuration: String?, polls: Bool = false, loop: EventLoop, deadlines: Deadlines,
        clock: any HostClock, log: any LogSink, handler: @escaping (Change) -> Void
    ) throws(SystemError) {
        self.path = path
        self.configuration = configuration
        self.loop = loop
        self.deadlines = deadlines
        self.clock = clock
        self.log = log
        self.handler = handler
        mounts = try? MountTable()
        do throws(SystemError) {
            let events = try FileEvents()
            self.events = events
            lasting = polls ? .wished : events.watch.answers(path) ? nil : .silence
        } catch {
            events = nil
            lasting = .instance(error)
        }
        timer = deadlines.make { [unowned self] _ in tell() }
        lookTimer = deadlines.make { [unowned self] _ in lookAround() }
        if let events {
            _ = try loop.watch(events.watch.descriptor) { [unowned self] _ in receive(events) }
        }
        // The kernel reports a change of the mount table as an error condition: proc(5), /proc/pid/mounts.
        if let mounts { _ = try loop.watchMounts(mounts.descriptor) { [unowned self] in remount() } }
        attach()
        change = Change()
        first = nil
        if let timer { deadlines.set(timer, at: nil) }
    }

    /// Handles a change of the mount table, which may have hidden or revealed what is watched.
    private func remount() {
        if configuration != nil { add { $0.settled.insert(Self.configurationChange) } }
        attach()
    }

    /// Watches what the paths lead to now. If that is another directory than before, everything may have changed.
    private func attach() {
        let before = mark
        if let events {
            // Watching the same directory again returns the same mark.
            isShort = false
            do throws(SystemError) {
                mark = try events.watch.add(path)
            } catch {
                mark = nil
                isShort = error.isShortage
            }
            if let before, before != mark { events.watch.remove(before) }
            if before != mark { add { $0.isWhole = true } }
        }
        follow()
    }

    // MARK: Links

    /// Watches every name and file that decides what the directory's entries are.
    private func follow() {
        mustFollow = false
        var found: [FileWatch.Mark: [String: Set<Dependent>]] = [:]
        var isShort = isShort
        var remote: String?
        func watch(_ dependent: Dependent, _ name: String, _ mark: () throws(SystemError) -> FileWatch.Mark?) {
            do throws(SystemError) {
                guard let mark = try mark() else { return }
                found[mark, default: [:]][name, default: []].insert(dependent)
            } catch {
                // A file that is absent or not readable is noticed when its folder changes.
                if error.isShortage { isShort = true }
            }
        }
        /// Watches a name in its folder; if the folder does not exist, the first missing name on the way to it.
        func name(_ dependent: Dependent, _ step: PathSteps.Step) {
            var next: PathSteps.Step? = step
            while let step = next {
                next = nil
                watch(dependent, step.name) { () throws(SystemError) in
                    do throws(SystemError) {
                        return try events?.watch.add(step.folder, names: true)
                    } catch {
                        if error.isNotFound { next = step.above }
                        throw error
                    }
                }
            }
        }
        func depend(_ dependent: Dependent, on steps: PathSteps, but own: PathSteps.Step? = nil, isFile: Bool) {
            for step in steps.links + [steps.end] where step != own && !step.name.isEmpty { name(dependent, step) }
            for folder in steps.folders {
                watch(dependent, "") { () throws(SystemError) in try events?.watch.addPlace(folder.path) }
            }
            if isFile { file(dependent, steps.end) }
        }
        func file(_ dependent: Dependent, _ step: PathSteps.Step) {
            watch(dependent, "") { () throws(SystemError) in try events?.watch.addFile(step.path) }
            if remote == nil { remote = (try? Directory(step.folder))?.remoteFileSystem }
        }
        let steps = PathSteps(path)
        depend(.directory, on: steps, isFile: false)
        if let configuration { depend(.configuration, on: PathSteps(configuration), isFile: true) }
        let folder = steps.end.path
        if let directory = try? Directory(path), let names = try? directory.names() {
            remote = remote ?? directory.remoteFileSystem
            let mounted = Mounts.names(in: HostProcess.absolute(folder))
            let remounted = mounted.symmetricDifference(self.mounted)
            if !remounted.isEmpty { add { $0.settled.formUnion(remounted) } }
            self.mounted = mounted
            for name in names where DirectorySurvey.isOfInterest(name) {
                guard let status = try? directory.status(name) else { continue }
                let own = PathSteps.Step(folder, name)
                if status.kind == .link {
                    depend(.entry(name), on: PathSteps(own.path), but: own, isFile: true)
                } else if status.kind == .regular, status.links > 1 || mounted.contains(name) {
                    file(.entry(name), own)
                }
            }
        }
        for old in dependents.keys where found[old] == nil && old != mark { events?.watch.remove(old) }
        dependents = found
        settle(lasting ?? (isShort ? .watches : remote.map { .remote($0) }))
    }

    /// Whether an entry is a link, or a file with several names.
    private func isIndirect(_ name: String) -> Bool {
        guard DirectorySurvey.isOfInterest(name), let directory = try? Directory(path),
            let status = try? directory.status(name)
        else { return false }
        return status.kind == .link || status.links > 1
    }

    // MARK: Polling

    /// Starts or stops to poll for changes.
    private func settle(_ want: PollingReason?) {
        let isGone = mark == nil && (try? Directory(path)) == nil
        if want != self.want {
            self.want = want
            survey = DirectorySurvey()
            if want != nil { _ = survey.take(statuses()) }
            if let want { log.write(want.level, "", "\(path): \(want)") }
        }
        guard let lookTimer else { return }
        let period = isGone ? Self.returnPeriod : want == nil ? nil : Self.surveyPeriod
        deadlines.set(lookTimer, at: period.map { clock.monotonic() + $0 })
    }

    private func lookAround() {
        if want != nil {
            let changed = survey.take(statuses())
            if !changed.isEmpty { add { $0.settled.formUnion(changed) } }
        }
        attach()
    }

    /// The status of each relevant file; empty if there is no directory.
    private func statuses() -> [String: FileStatus] {
        var statuses: [String: FileStatus] = [:]
        if let configuration {
            let (folder, name) = Directory.split(configuration)
            statuses[Self.configurationChange] = try? Directory(folder).status(name, followLink: true)
        }
        guard let directory = try? Directory(path), let names = try? directory.names() else { return statuses }
        for name in names where DirectorySurvey.isOfInterest(name) {
            if name == Self.configurationChange, configuration != nil { continue }
            statuses[name] = try? directory.status(name, followLink: true)
        }
        return statuses
    }

    // MARK: Events

    /// How many batches of events are read before the rest of the loop gets a turn; the remaining ones wake the loop
    /// again.
    private static let mostReads = 16

    private func receive(_ source: FileEvents) {
        var mustAttach = false
        for _ in 0..<Self.mostReads {
            let events = source.watch.take()
            if events.isEmpty { break }
            for event in events { if take(event) { mustAttach = true } }
        }
        if mustAttach { attach() }
    }

    /// Handles an event; returns true if the paths may lead elsewhere now.
    private func take(_ event: FileWatch.Event) -> Bool {
        if event.kinds.contains(.overflow) {
            add { $0.isWhole = true }
            return true
        }
        guard let mark = event.mark else { return false }
        var mustAttach = false
        if mark == self.mark { mustAttach = takeOwn(event) }
        // An event with a name matters only if it can redirect a path; one without a name concerns the watched file
        // itself.
        if let name = event.name, event.kinds.isDisjoint(with: Self.naming) || name.isEmpty { return mustAttach }
        for dependent in dependents[mark]?[event.name ?? ""] ?? [] {
            switch dependent {
            case .directory: mustAttach = true
            case .configuration: add { $0.settled.insert(Self.configurationChange) }
            case .entry(let name):
                if event.kinds == .modified {
                    add { $0.touched.insert(name) }
                } else {
                    add { $0.settled.insert(name) }
                }
            }
            if event.name != nil || !event.kinds.isDisjoint(with: [.selfGone, .ended]) { mustFollow = true }
        }
        return mustAttach
    }

    private func takeOwn(_ event: FileWatch.Event) -> Bool {
        if !event.kinds.isDisjoint(with: [.selfGone, .unmounted, .ended]) {
            // A directory that was moved away keeps its mark, although the path no longer leads to it.
            if let mark { events?.watch.remove(mark) }
            mark = nil
            add { $0.isWhole = true }
            return true
        }
        guard let name = event.name else {
            // The directory's own permissions affect the safety of every file in it.
            if event.kinds.contains(.attributes) { add { $0.isWhole = true } }
            return false
        }
        if name.isEmpty { return false }
        // A link is complete as soon as it exists: no writer will close it.
        let isWhole = !event.kinds.isDisjoint(with: [.written, .movedHere, .movedAway, .deleted, .attributes])
        if isWhole || event.kinds.contains(.created) && isIndirect(name) {
            add { $0.settled.insert(name) }
        } else {
            add { $0.touched.insert(name) }
        }
        return false
    }

    private func add(_ body: (inout Change) -> Void) {
        body(&change)
        guard let timer else { return }
        let now = clock.monotonic()
        let begin = first ?? now
        first = begin
        deadlines.set(timer, at: min(now + Self.quiet, begin + Self.longest))
    }

    private func tell() {
        // The watches are set before the scan, so that no change in between is missed.
        if mustFollow || change.isWhole || change.settled.union(change.touched).contains(where: isIndirect) { follow() }
        let change = self.change
        self.change = Change()
        first = nil
        if !change.isEmpty { handler(change) }
    }
}

/// The reason for polling.
private enum PollingReason: Equatable, CustomStringConvertible {
    /// No inotify instance is available.
    case instance(SystemError)
    /// No inotify watch is available.
    case watches
    /// inotify works, but reports no events here.
    case silence
    /// The file system, given by its name, does not report changes made by other machines.
    case remote(String)
    /// The user has requested it.
    case wished

    var level: LogLevel {
        switch self {
        case .instance, .watches, .silence: .warning
        case .remote, .wished: .info
        }
    }

    var description: String {
        switch self {
        case .instance(let error):
            "changes are looked for every 2 s, since the system tells of none (\(error)): raise fs.inotify.max_user_instances"
        case .watches:
            "changes are looked for every 2 s, since no inotify watch is left: raise fs.inotify.max_user_watches"
        case .silence: "changes are looked for every 2 s, since the system tells of none here"
        case .remote(let kind):
            "changes are looked for every 2 s, since \(kind) does not tell of those that other machines make"
        case .wished: "changes are looked for every 2 s"
        }
    }
}

/// A `FileWatch` in an object, so that it can be optional.
private final class FileEvents {
    let watch: FileWatch

    init() throws(SystemError) { watch = try FileWatch() }
}

/// The mount table, open for reading, in an object, so that it can be optional.
private final class MountTable {
    let descriptor: Descriptor

    init() throws(SystemError) { descriptor = try Directory("/proc/self").openForReading("mounts") }
}

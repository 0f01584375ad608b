internal import HostSystem
internal import HostValues

/// Watches the plugins directory and its configuration file, and tells what may have changed, some milliseconds later
/// and several changes at once.
///
/// Where a path leads may depend on links and folders at any height, and a file may be changed by another of its names:
/// those are watched too. Where the system tells of no changes, they are looked for: see `Want`.
///
/// It keeps no descriptor in the directory, so that its file system can be unmounted. While there is no directory, it
/// looks for one twice a second.
final class DirectoryWatch {
    /// What is to be looked at.
    struct Change {
        /// Everything: events were lost, or the directory is another one.
        var isWhole = false
        /// Names whose writers have finished, or that came or went whole.
        var settled: Set<String> = []
        /// Names that were changed in place, by a writer that may not have finished.
        var touched: Set<String> = []

        var isEmpty: Bool { !isWhole && settled.isEmpty && touched.isEmpty }
    }

    /// What an event may concern.
    private enum Dependent: Hashable {
        case directory, configuration
        case entry(String)
    }

    /// How long it waits for more to come, and at the most, ns.
    private static let quiet: Int64 = 8_000_000
    private static let longest: Int64 = 40_000_000
    /// How often a directory that is not there is looked for, ns.
    private static let returnPeriod: Int64 = 500_000_000
    /// How often changes are looked for that nobody tells, ns.
    private static let surveyPeriod: Int64 = 2_000_000_000
    /// What happens to a name in a folder, as far as it decides where a path leads.
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
    /// The entries that are mounts.
    private var mounted: Set<String> = []
    /// No watch was left for the directory itself.
    private var isShort = false
    private var change = Change()
    private var first: MonotonicTime?
    private var timer: Deadlines.Timer?
    private var lookTimer: Deadlines.Timer?
    private let lasting: Want?
    private var want: Want?
    private var survey = DirectorySurvey()

    /// The name under which a change of the configuration file that lies elsewhere is told.
    static let configurationChange = "schedhost.json5"

    /// Begins to watch; `configuration` is the path of a configuration file in another directory; with `polls` changes are
    /// looked for, whatever the system tells. The handler is told of what changes from now on.
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
        // A change of the mounts is reported as an error condition: proc(5), /proc/pid/mounts.
        if let mounts { _ = try loop.watchMounts(mounts.descriptor) { [unowned self] in remount() } }
        attach()
        change = Change()
        first = nil
        if let timer { deadlines.set(timer, at: nil) }
    }

    /// Something was mounted or unmounted, perhaps in the place of what is watched.
    private func remount() {
        if configuration != nil { add { $0.settled.insert(Self.configurationChange) } }
        attach()
    }

    /// Watches what the paths lead to now. A directory that is another one than before changes everything.
    private func attach() {
        let before = mark
        if let events {
            // The same directory gives the same mark.
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

    /// Watches all names and files on which it depends what the directory's entries are.
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
                // What is not there, or not for us, is noticed when its folder changes.
                if error.isShortage { isShort = true }
            }
        }
        /// Watches a name in its folder or, where that is not there, the first name on the way to it that is missing.
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

    /// Whether an entry is more than its own name.
    private func isIndirect(_ name: String) -> Bool {
        guard DirectorySurvey.isOfInterest(name), let directory = try? Directory(path),
            let status = try? directory.status(name)
        else { return false }
        return status.kind == .link || status.links > 1
    }

    // MARK: Where nobody tells

    /// Looks for changes from now on, or no more.
    private func settle(_ want: Want?) {
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

    /// What there is of each file that may matter; nothing where there is no directory.
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

    /// How many reads of events come before the rest of the loop has its turn; what is left wakes it again.
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

    /// Takes an event; true when the paths may lead elsewhere now.
    private func take(_ event: FileWatch.Event) -> Bool {
        if event.kinds.contains(.overflow) {
            add { $0.isWhole = true }
            return true
        }
        guard let mark = event.mark else { return false }
        var mustAttach = false
        if mark == self.mark { mustAttach = takeOwn(event) }
        // A name decides where paths lead; the file itself, what is there.
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
            // A directory that was moved away keeps its mark, but the path leads elsewhere.
            if let mark { events?.watch.remove(mark) }
            mark = nil
            add { $0.isWhole = true }
            return true
        }
        guard let name = event.name else {
            // The directory's own permissions decide about every file.
            if event.kinds.contains(.attributes) { add { $0.isWhole = true } }
            return false
        }
        if name.isEmpty { return false }
        // A link is whole as soon as it is there: no writer will close it.
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
        // What is looked at now is watched from before on.
        if mustFollow || change.isWhole || change.settled.union(change.touched).contains(where: isIndirect) { follow() }
        let change = self.change
        self.change = Change()
        first = nil
        if !change.isEmpty { handler(change) }
    }
}

/// Why changes have to be looked for.
private enum Want: Equatable, CustomStringConvertible {
    /// No inotify instance can be had.
    case instance(SystemError)
    /// No more watches can be had.
    case watches
    /// There is one, and it does not tell what is done.
    case silence
    /// The file system, by its name, does not tell what other machines do.
    case remote(String)
    /// Somebody wants it so.
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

/// A watch that can be held by an optional.
private final class FileEvents {
    let watch: FileWatch

    init() throws(SystemError) { watch = try FileWatch() }
}

/// The list of mounts, open, where there is one.
private final class MountTable {
    let descriptor: Descriptor

    init() throws(SystemError) { descriptor = try Directory("/proc/self").openForReading("mounts") }
}

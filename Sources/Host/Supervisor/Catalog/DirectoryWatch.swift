internal import HostSystem

/// Watches the plugins directory and its configuration file, and tells what may have changed, some milliseconds later
/// and several changes at once.
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

    /// How long it waits for more to come, and at the most, ns.
    private static let quiet: Int64 = 8_000_000
    private static let longest: Int64 = 40_000_000
    private static let poll: Int64 = 500_000_000
    private static let noName = "\u{0}"

    private let path: String
    private let name: String
    private let parentPath: String
    private let configurationFolder: String?
    private let configurationName: String
    private let watch: FileWatch
    private let mounts: Descriptor
    private let loop: EventLoop
    private let deadlines: Deadlines
    private let handler: (Change) -> Void
    private var mark: FileWatch.Mark?
    private var parent: FileWatch.Mark?
    private var configuration: FileWatch.Mark?
    private var change = Change()
    private var first: Int64?
    private var timer: Deadlines.Timer?
    private var pollTimer: Deadlines.Timer?
    private let clock: any HostClock

    /// The name under which a change of the configuration file that lies elsewhere is told.
    static let configurationChange = "schedhost.json5"

    /// Begins to watch; `configuration` is the path of a configuration file in another directory. The handler is told
    /// of what changes from now on.
    init(
        _ path: String, configuration: String?, loop: EventLoop, deadlines: Deadlines, clock: any HostClock,
        handler: @escaping (Change) -> Void
    ) throws(SystemError) {
        self.path = path
        (parentPath, name) = Self.split(path)
        (configurationFolder, configurationName) = configuration.map { Self.split($0) } ?? (nil, Self.noName)
        self.loop = loop
        self.deadlines = deadlines
        self.clock = clock
        self.handler = handler
        watch = try FileWatch()
        mounts = try Directory("/proc/self").openForReading("mounts")
        timer = deadlines.make { [unowned self] _ in tell() }
        pollTimer = deadlines.make { [unowned self] _ in attach() }
        _ = try loop.watch(watch.descriptor) { [unowned self] _ in receive() }
        // A change of the mounts is reported as an error condition: proc(5), /proc/pid/mounts.
        _ = try loop.watchMounts(mounts) { [unowned self] in attach() }
        attach()
        change = Change()
        first = nil
        if let timer { deadlines.set(timer, at: nil) }
    }

    /// The directory of a path, and the name in it; the name is empty for `.`, `..` and `/`.
    private static func split(_ path: String) -> (folder: String, name: String) {
        var parts = path.split(separator: "/").map { String($0) }
        let root = path.hasPrefix("/") ? "/" : ""
        guard let last = parts.popLast(), last != ".", last != ".." else { return (path, noName) }
        let folder = root + parts.joined(separator: "/")
        return (folder.isEmpty ? "." : folder, last)
    }

    /// Watches what the paths lead to now. A directory that is another one than before changes everything.
    private func attach() {
        let before = mark
        // The same directory gives the same mark.
        mark = try? watch.add(path)
        if let before, before != mark { watch.remove(before) }
        // Watched for what replaces the directory; a mark may be the directory's own (`.` in `..`).
        if name != Self.noName { parent = try? watch.add(parentPath, names: true) }
        if let configurationFolder { configuration = try? watch.add(configurationFolder) }
        if before != mark { add { $0.isWhole = true } }
        guard let pollTimer else { return }
        deadlines.set(pollTimer, at: mark == nil ? clock.monotonic() + Self.poll : nil)
    }

    /// How many reads of events come before the rest of the loop has its turn; what is left wakes it again.
    private static let mostReads = 16

    private func receive() {
        var mustAttach = false
        for _ in 0..<Self.mostReads {
            let events = watch.take()
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
        var mustAttach = false
        if event.mark == mark, mark != nil {
            mustAttach = takeOwn(event)
        }
        if event.mark == parent, event.name == name,
            !event.kinds.isDisjoint(with: [.movedHere, .movedAway, .created, .deleted])
        {
            mustAttach = true
        }
        if event.mark == configuration, event.name == configurationName {
            add { $0.settled.insert(Self.configurationChange) }
        }
        return mustAttach
    }

    private func takeOwn(_ event: FileWatch.Event) -> Bool {
        if !event.kinds.isDisjoint(with: [.selfGone, .unmounted, .ended]) {
            // A directory that was moved away keeps its mark, but the path leads elsewhere.
            if let mark { watch.remove(mark) }
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
        if event.kinds.isDisjoint(with: [.written, .movedHere, .movedAway, .deleted, .attributes]) {
            add { $0.touched.insert(name) }
        } else {
            add { $0.settled.insert(name) }
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
        let change = self.change
        self.change = Change()
        first = nil
        if !change.isEmpty { handler(change) }
    }
}

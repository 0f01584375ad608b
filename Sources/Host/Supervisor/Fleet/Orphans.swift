internal import HostPolicy
internal import HostSystem
internal import HostValues

/// What the system tells of processes, and does to them.
protocol ProcessTable: AnyObject {
    /// The host's children, also adopted and dead ones.
    func children() -> [Int32]
    /// The children of another process.
    func children(of parent: Int32) -> [Int32]
    /// Whether a process bears the host's own mark; nil where that cannot be told.
    func isOurs(_ pid: Int32) -> Bool?
    /// All processes that bear one of these marks.
    func processes(of marks: Set<HostMark>) -> [Int32]
    /// Whether a process is there, and no zombie.
    func isAlive(_ pid: Int32) -> Bool
    func hold(_ pid: Int32)
    func kill(_ pid: Int32)
    /// Reaps a child if it is dead: whether it is gone.
    func reap(_ child: Int32) -> Bool
    /// Ends what is in the control group of a dead worker; false while something is.
    func clearGroup(of worker: Int32) -> Bool
    /// Ends what is in the control groups of these hosts; false while something is.
    func clearGroups(of marks: Set<HostMark>) -> Bool
}

/// What dead workers have left behind: found, held and killed, in short pieces between other work, until nothing is left.
///
/// As their subreaper the host is the parent of what its own workers leave, and finds the rest below that. What the workers
/// of a host before this one have left, which was killed, bears that one's mark.
final class Orphans {
    /// The longest piece of that work, ns, and the looks in it.
    private static let piece: Int64 = 5_000_000
    private static let mostLooks = 20
    /// Processes whose children are looked for in one piece.
    private static let mostExplored = 1000
    /// The time from one piece to the next: the first one, which doubles, and the longest, ns.
    private static let pause: Int64 = 10_000_000
    private static let longestPause: Int64 = 1_000_000_000
    /// How long a host that ends waits for the last ones, ns; and for how long they are looked for.
    private static let patience: Int64 = 5_000_000_000
    private static let longestHunt: Int64 = 60_000_000_000

    private let table: any ProcessTable
    private let clock: any HostClock
    private let deadlines: Deadlines
    private var timer: Deadlines.Timer?
    /// What is done with children that the host did not start.
    var adoption = Adoption(isFirstProcess: false, inherited: [])
    private var hunt = OrphanHunt()
    /// Hosts whose workers may have left something.
    private var predecessors: Set<HostMark> = []
    private var leftovers: Set<Int32> = []
    /// Dead workers whose control groups are not empty yet.
    private var groups: Set<Int32> = []
    /// Those that have their SIGKILL.
    private var killed: Set<Int32> = []
    private var isDue = false
    /// When the present hunt began; nil when there is none.
    private var since: MonotonicTime?
    private var pause = Orphans.pause

    init(_ table: any ProcessTable, clock: any HostClock, deadlines: Deadlines) {
        self.table = table
        self.clock = clock
        self.deadlines = deadlines
        timer = deadlines.make { [unowned self] _ in isDue = true }
    }

    // MARK: What is told

    /// Hosts before this one were killed.
    func inherit(from predecessors: Set<HostMark>) {
        self.predecessors = predecessors
        isDue = true
    }

    /// A worker is dead; `hasGroup`: it may have had a control group.
    func workerDied(_ pid: Int32, hasGroup: Bool) {
        if hasGroup { groups.insert(pid) }
        mayHaveCome()
    }

    /// A child of the host has ended: others may have come to the host by that.
    func mayHaveCome() { isDue = true }

    // MARK: What is asked

    /// Whether nothing is left, as far as is known.
    var isOver: Bool { since == nil && !isDue }

    /// Whether a host that ends has nothing to wait for: what cannot be killed keeps it only so long.
    var isQuiet: Bool {
        if isOver { return true }
        guard let since else { return false }
        return clock.monotonic() - since > Self.patience
    }

    /// How many were ended that a host before this one has left, once that is over.
    func takeLeftovers() -> Int {
        guard isOver else { return 0 }
        defer { leftovers = [] }
        return leftovers.count
    }

    // MARK: The hunt

    /// Does one piece of what there is to do. Once a round of the loop; `known` are children that are none of it.
    func hunt(sparing known: Set<Int32>) {
        guard isDue else { return }
        isDue = false
        let start = clock.monotonic()
        if since == nil { since = start }
        for _ in 0..<Self.mostLooks {
            groups = groups.filter { !table.clearGroup(of: $0) }
            let areGroupsClear = groups.isEmpty && (predecessors.isEmpty || table.clearGroups(of: predecessors))
            hold(targets(sparing: known))
            if hunt.isEmpty { return areGroupsClear ? end() : goOn(start) }
            guard explore(until: start + Self.piece) else { break }
            let held = hunt.close()
            for pid in held { table.kill(pid) }
            killed.formUnion(held)
            if !held.isEmpty || clock.monotonic() - start >= Self.piece { break }
        }
        goOn(start)
    }

    private func hold(_ pids: [Int32]) { for pid in hunt.find(pids) { table.hold(pid) } }

    /// Looks for the descendants of what is held; false when there are more than there is time for.
    private func explore(until time: MonotonicTime) -> Bool {
        for _ in 0..<Self.mostExplored {
            guard let pid = hunt.next() else { return true }
            hold(table.children(of: pid))
            if clock.monotonic() >= time { return false }
        }
        return false
    }

    private func end() {
        since = nil
        pause = Self.pause
        killed = []
        predecessors = []
        if let timer { deadlines.set(timer, at: nil) }
    }

    private func goOn(_ now: MonotonicTime) {
        // What cannot be ended for so long is looked at again when a child ends.
        guard let since, let timer, now - since < Self.longestHunt else { return end() }
        deadlines.set(timer, at: clock.monotonic() + pause)
        pause = min(pause * 2, Self.longestPause)
    }

    /// What is to go, save what descends from that: orphans, and what dead hosts have left.
    private func targets(sparing known: Set<Int32>) -> [Int32] {
        var targets: [Int32] = []
        for child in table.children() where !known.contains(child) {
            switch adoption.fate(of: child, isMarked: table.isOurs(child)) {
            case .leave: _ = table.reap(child)
            case .kill:
                if table.reap(child) { continue }
                // A zombie that another process traces cannot be reaped.
                if killed.contains(child), !table.isAlive(child) { continue }
                targets.append(child)
            }
        }
        if !predecessors.isEmpty {
            let found = table.processes(of: predecessors).filter { !known.contains($0) && table.isAlive($0) }
            leftovers.formUnion(found)
            targets += found
        }
        return targets
    }
}

/// The system's processes.
final class SystemProcesses: ProcessTable {
    private let own: HostMark

    init(own: HostMark) { self.own = own }

    func children() -> [Int32] { HostProcess.children() }
    func children(of parent: Int32) -> [Int32] { ProcessFamily.children(of: parent, most: 10_000) }
    func isOurs(_ pid: Int32) -> Bool? { HostProcess.environment(of: pid).map { HostMark.mark(in: $0) == own } }
    func processes(of marks: Set<HostMark>) -> [Int32] {
        ProcessFamily.all().filter { pid in
            pid != HostProcess.pid
                && HostProcess.environment(of: pid).flatMap { HostMark.mark(in: $0) }.map(marks.contains) == true
        }
    }
    func isAlive(_ pid: Int32) -> Bool { ProcessFamily.isAlive(pid) }
    func hold(_ pid: Int32) { ProcessFamily.hold(pid) }
    func kill(_ pid: Int32) { ProcessFamily.kill(pid) }
    func reap(_ child: Int32) -> Bool { HostProcess.reap(child) }
    func clearGroup(of worker: Int32) -> Bool { ControlGroup.clear(of: worker, owner: own.text) }
    func clearGroups(of marks: Set<HostMark>) -> Bool { ControlGroup.sweep(owners: Set(marks.map(\.text))) }
}

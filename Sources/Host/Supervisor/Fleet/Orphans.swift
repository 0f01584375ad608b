internal import HostPolicy
internal import HostSystem
internal import HostValues

/// The operations on processes that hunting orphans needs. A protocol, so that tests can replace the system.
protocol ProcessTable: AnyObject {
    /// The host's children, including adopted ones and zombies.
    func children() -> [Int32]
    /// The children of another process.
    func children(of parent: Int32) -> [Int32]
    /// Whether a process bears this host's mark; nil if that cannot be determined.
    func isOurs(_ pid: Int32) -> Bool?
    /// Whether a process executes a program just now, so that its mark cannot be seen.
    func isExecuting(_ pid: Int32) -> Bool
    /// Whether a process has no_new_privs; nil if that cannot be determined.
    func gainsNoPrivileges(_ pid: Int32) -> Bool?
    /// All processes that bear one of these marks.
    func processes(of marks: Set<HostMark>) -> [Int32]
    /// Whether a process exists and is not a zombie.
    func isAlive(_ pid: Int32) -> Bool
    func hold(_ pid: Int32)
    func kill(_ pid: Int32)
    /// Reaps a child if it is dead; returns whether it is gone.
    func reap(_ child: Int32) -> Bool
    /// Kills everything in the control group of a dead worker; returns false while something is left.
    func clearGroup(of worker: Int32) -> Bool
    /// Kills everything in the control groups of these hosts; returns false while something is left.
    func clearGroups(of marks: Set<HostMark>) -> Bool
}

/// Finds, suspends and kills the processes that dead workers have left behind, in short pieces between other work,
/// until none is left.
///
/// The host is the subreaper, so orphans of its own workers become its children, and their descendants are found from
/// there. Orphans of an earlier host that was killed bear that host's mark.
final class Orphans {
    /// The longest duration of one piece of this work, in ns, and the number of scans in it.
    private static let piece: Int64 = 5_000_000
    private static let mostLooks = 20
    /// The number of processes whose children are listed in one piece.
    private static let mostExplored = 1000
    /// The first pause between two pieces, which doubles each time, and the longest one, in ns.
    private static let pause: Int64 = 10_000_000
    private static let longestPause: Int64 = 1_000_000_000
    /// How long a host that ends waits for the last orphans, and how long a hunt lasts at most, in ns.
    private static let patience: Int64 = 5_000_000_000
    private static let longestHunt: Int64 = 60_000_000_000

    private let table: any ProcessTable
    private let clock: any HostClock
    private let deadlines: Deadlines
    private var timer: Deadlines.Timer?
    /// Decides about children that the host did not start.
    var adoption = Adoption(isFirstProcess: false, inherited: [])
    private var hunt = OrphanHunt()
    /// Earlier hosts whose workers may have left processes.
    private var predecessors: Set<HostMark> = []
    private var leftovers: Set<Int32> = []
    /// Dead workers whose control groups are not empty yet.
    private var groups: Set<Int32> = []
    /// Processes that were sent SIGKILL.
    private var killed: Set<Int32> = []
    private var isDue = false
    /// Whether a child could not be judged at the last scan, since it executed a program.
    private var isUndecided = false
    /// When the present hunt began; nil if there is none.
    private var since: MonotonicTime?
    private var pause = Orphans.pause

    init(_ table: any ProcessTable, clock: any HostClock, deadlines: Deadlines) {
        self.table = table
        self.clock = clock
        self.deadlines = deadlines
        timer = deadlines.make { [unowned self] _ in isDue = true }
    }

    // MARK: Notifications

    /// Notes earlier hosts that were killed.
    func inherit(from predecessors: Set<HostMark>) {
        self.predecessors = predecessors
        isDue = true
    }

    /// Notes the death of a worker; `hasGroup`: it may have had a control group.
    func workerDied(_ pid: Int32, hasGroup: Bool) {
        if hasGroup { groups.insert(pid) }
        mayHaveCome()
    }

    /// Notes that the host may have adopted orphans, as after the end of any child.
    func mayHaveCome() { isDue = true }

    // MARK: Queries

    /// Whether no orphan is left, as far as is known.
    var isOver: Bool { since == nil && !isDue }

    /// Whether nothing is left of earlier hosts' workers, as far as is known.
    var isInheritanceOver: Bool { predecessors.isEmpty }

    /// Whether a host that ends need not wait any longer; a process that cannot be killed delays the end only for
    /// `patience`.
    var isQuiet: Bool {
        if isOver { return true }
        guard let since else { return false }
        return clock.monotonic() - since > Self.patience
    }

    /// The number of processes killed that an earlier host had left; 0 until the hunt is over.
    func takeLeftovers() -> Int {
        guard isOver else { return 0 }
        defer { leftovers = [] }
        return leftovers.count
    }

    /// What happens to a child of the host that the host did not start.
    func fate(of child: Int32) -> Adoption.Fate {
        adoption.fate(
            of: child, isMarked: table.isOurs(child), gainsNoPrivileges: table.gainsNoPrivileges(child))
    }

    // MARK: The hunt

    /// Does one piece of the work, if it is due. Call it once in each round of the loop. `children` returns the children
    /// that are no orphans; it is asked only then, since a host may have a thousand.
    func hunt(sparing children: () -> Set<Int32>) {
        guard isDue else { return }
        isDue = false
        let known = children()
        let start = clock.monotonic()
        if since == nil { since = start }
        for _ in 0..<Self.mostLooks {
            groups = groups.filter { !table.clearGroup(of: $0) }
            let areGroupsClear = groups.isEmpty && (predecessors.isEmpty || table.clearGroups(of: predecessors))
            hold(targets(sparing: known))
            if hunt.isEmpty { return areGroupsClear && !isUndecided ? end() : goOn(start) }
            guard explore(until: start + Self.piece) else { break }
            let held = hunt.close()
            for pid in held { table.kill(pid) }
            killed.formUnion(held)
            if !held.isEmpty || clock.monotonic() - start >= Self.piece { break }
        }
        goOn(start)
    }

    private func hold(_ pids: [Int32]) { for pid in hunt.find(pids) { table.hold(pid) } }

    /// Suspends the descendants of suspended processes; returns false if there are too many for the time.
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
        // A process that survives so long is tried again when a child ends.
        guard let since, let timer, now - since < Self.longestHunt else { return end() }
        deadlines.set(timer, at: clock.monotonic() + pause)
        pause = min(pause * 2, Self.longestPause)
    }

    /// The orphans, and the processes that dead hosts have left; their descendants are found later.
    private func targets(sparing known: Set<Int32>) -> [Int32] {
        var targets: [Int32] = []
        isUndecided = false
        for child in table.children() where !known.contains(child) {
            switch fate(of: child) {
            case .leave:
                if !table.reap(child), table.isExecuting(child) { isUndecided = true }
            case .kill:
                if table.reap(child) { continue }
                // A zombie that is traced by another process cannot be reaped.
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

/// The real processes of the system.
final class SystemProcesses: ProcessTable {
    private let own: HostMark
    private let groups: WorkerGroups

    init(own: HostMark, groups: WorkerGroups) {
        self.own = own
        self.groups = groups
    }

    func children() -> [Int32] { HostProcess.children() }
    func children(of parent: Int32) -> [Int32] { ProcessFamily.children(of: parent, most: 10_000) }
    func isOurs(_ pid: Int32) -> Bool? { HostProcess.environment(of: pid).map { HostMark.mark(in: $0) == own } }
    func isExecuting(_ pid: Int32) -> Bool { HostProcess.isExecuting(pid) }
    func gainsNoPrivileges(_ pid: Int32) -> Bool? { ProcessFamily.gainsNoPrivileges(pid) }
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
    func clearGroup(of worker: Int32) -> Bool { groups.clear(of: worker) }
    func clearGroups(of marks: Set<HostMark>) -> Bool { groups.sweep(owners: marks) }
}

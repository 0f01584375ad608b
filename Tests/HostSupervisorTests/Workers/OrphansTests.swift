import HostPolicy
import HostSystem
import HostTestKit
import HostValues
import Testing

@testable import HostSupervisor

/// Processes without a system: those that fork do so each time that one is asked for, as long as there is room.
final class FakeProcesses: ProcessTable {
    struct Process {
        var parent: Int32
        var forks = false
        var isHeld = false
        var isDead = false
        var mark: HostMark?
        /// A dead one that cannot be reaped, since another one traces it.
        var isTraced = false
        /// One of another user's.
        var isImmune = false
        /// How often it is still found executing a program, so that nobody sees its mark.
        var executing = 0
    }

    static let host: Int32 = 1
    static let own = HostMark(pid: 1, number: 0)
    var all: [Int32: Process] = [:]
    var limit = Int.max
    /// Control groups that are not empty: how often they have to be cleared.
    var groups: [Int32: Int] = [:]
    private var last: Int32 = 100

    func add(parent: Int32 = host, forks: Bool = false, mark: HostMark? = own) -> Int32 {
        last += 1
        all[last] = Process(parent: parent, forks: forks, mark: mark)
        return last
    }

    /// Time for those that fork.
    private func goOn() {
        for (pid, process) in all where process.forks && !process.isHeld && !process.isDead && all.count < limit {
            _ = add(parent: pid, forks: true, mark: process.mark)
        }
    }

    private func end(_ pid: Int32) {
        guard let process = all[pid], !process.isImmune else { return }
        all[pid]?.isDead = true
        for (child, other) in all where other.parent == pid { all[child]?.parent = Self.host }
        if process.parent != Self.host { all[pid] = nil }
    }

    func children() -> [Int32] {
        goOn()
        return all.filter { $0.value.parent == Self.host }.keys.sorted()
    }
    func children(of parent: Int32) -> [Int32] {
        goOn()
        return all.filter { $0.value.parent == parent }.keys.sorted()
    }
    func isOurs(_ pid: Int32) -> Bool? { all[pid].flatMap { $0.executing > 0 ? nil : $0.mark == Self.own } }
    func isExecuting(_ pid: Int32) -> Bool {
        guard let left = all[pid]?.executing, left > 0 else { return false }
        all[pid]?.executing = left - 1
        return true
    }
    func gainsNoPrivileges(_ pid: Int32) -> Bool? { nil }
    func processes(of marks: Set<HostMark>) -> [Int32] {
        goOn()
        return all.filter { $0.value.mark.map(marks.contains) == true }.keys.sorted()
    }
    func isAlive(_ pid: Int32) -> Bool { all[pid]?.isDead == false }
    func hold(_ pid: Int32) { if all[pid]?.isImmune == false { all[pid]?.isHeld = true } }
    func kill(_ pid: Int32) {
        end(pid)
        goOn()
    }
    func reap(_ child: Int32) -> Bool {
        guard let process = all[child] else { return true }
        guard process.isDead, !process.isTraced else { return false }
        all[child] = nil
        return true
    }
    func clearGroup(of worker: Int32) -> Bool {
        guard let left = groups[worker], left > 0 else { return true }
        groups[worker] = left - 1
        return false
    }
    func clearGroups(of marks: Set<HostMark>) -> Bool { true }
}

/// What dead workers leave behind, in virtual time.
@Suite struct OrphansTests {
    let clock = TestClock()
    let deadlines = Deadlines()
    let table = FakeProcesses()
    let orphans: Orphans

    init() { orphans = Orphans(table, clock: clock, deadlines: deadlines) }

    /// Rounds of the loop, each followed by its timers, for so many ms at most; returns how many ms were needed.
    private func run(sparing known: Set<Int32> = [], for limit: Int64 = 10_000) -> Int64? {
        for time in 0..<limit {
            orphans.hunt { known }
            if orphans.isOver { return time }
            deadlines.run(clock, for: 1_000_000)
        }
        return nil
    }

    @Test func `one that is left is ended at once, and what is not a worker's is not`() {
        _ = table.add(mark: nil)
        let hook = table.add()
        orphans.mayHaveCome()
        #expect(run(sparing: [hook]).map { $0 < 50 } == true)
        #expect(table.all.keys.sorted() == [hook])
        orphans.adoption.hookHasRun()
        let mailer = table.add(mark: nil)
        let left = table.add()
        let child = table.add(parent: left)
        orphans.workerDied(5, hasGroup: false)
        #expect(run(sparing: [hook]) != nil)
        #expect(table.all.keys.sorted() == [hook, mailer] && table.all[child] == nil)
    }

    @Test func `one that executes a program when it is left is looked at again, until its mark can be seen`() {
        orphans.adoption.hookHasRun()
        let mailer = table.add(mark: nil)
        let left = table.add()
        for pid in [mailer, left] { table.all[pid]?.executing = 3 }
        orphans.mayHaveCome()
        #expect(run().map { $0 > 10 } == true)
        #expect(table.all.keys.sorted() == [mailer])
    }

    @Test func `who the host's own children are is asked only when somebody else may have come`() {
        var asked = 0
        func hunt() {
            orphans.hunt {
                asked += 1
                return []
            }
        }
        for _ in 0..<3 { hunt() }
        #expect(asked == 0)
        orphans.mayHaveCome()
        for _ in 0..<3 { hunt() }
        #expect(asked == 1)
    }

    @Test(arguments: [1, 8, 30]) func `those that fork without end are all ended, where there is a limit`(count: Int) {
        table.limit = 60
        for _ in 0..<count { _ = table.add(forks: true) }
        orphans.mayHaveCome()
        #expect(run().map { $0 < 1000 } == true)
        #expect(table.all.isEmpty)
    }

    @Test func `without a limit a piece of the work is bounded, and the host can end`() {
        for _ in 0..<3 { _ = table.add(forks: true) }
        table.limit = 3000
        orphans.mayHaveCome()
        orphans.hunt { [] }
        #expect(run().map { $0 < 10_000 } == true)
        #expect(table.all.isEmpty)
    }

    @Test func `what a host before this one has left is found by its mark, and counted once`() {
        let before = HostMark(pid: 7, number: 8)
        let other = HostMark(pid: 7, number: 9)
        for _ in 0..<2 { _ = table.add(parent: 50, mark: before) }
        let stranger = table.add(parent: 50, mark: other)
        #expect(orphans.isInheritanceOver)
        orphans.inherit(from: [before])
        #expect(orphans.takeLeftovers() == 0)
        #expect(!orphans.isInheritanceOver, "what an earlier life of this host held may still be at work")
        #expect(run() != nil)
        #expect(orphans.isInheritanceOver)
        #expect(table.all.keys.sorted() == [stranger])
        #expect(orphans.takeLeftovers() == 2 && orphans.takeLeftovers() == 0)
    }

    @Test func `what cannot be ended keeps a host that ends for seconds only, and is not asked for ever`() {
        let immune = table.add()
        table.all[immune]?.isImmune = true
        orphans.mayHaveCome()
        orphans.hunt { [] }
        #expect(!orphans.isQuiet)
        #expect(run(for: 6000) == nil && orphans.isQuiet)
        #expect(run(for: 60_000) != nil)
        #expect(deadlines.earliest == .never)
    }

    @Test func `one that is dead and cannot be reaped is nothing to wait for`() {
        let traced = table.add()
        table.all[traced]?.isTraced = true
        orphans.mayHaveCome()
        #expect(run() != nil)
        #expect(table.all[traced]?.isDead == true && orphans.isQuiet)
    }

    @Test func `a control group is cleared until it is empty`() {
        table.groups[5] = 7
        orphans.workerDied(5, hasGroup: true)
        #expect(run() != nil)
        #expect(table.groups[5] == 0)
    }
}

import HostPolicy
import HostSystem
import HostTestKit
import HostValues
import Testing

@testable import HostSupervisor

/// Files of control groups in memory.
final class FakeGroupFiles: GroupFiles {
    var texts: [String: String] = [:]
    var folders: Set<String> = []
    /// Files that cannot be written, by the end of their path.
    var refused: Set<String> = []
    var attributes: [String: String] = [:]
    /// Groups with processes in them.
    var busy: Set<String> = []
    var alive: Set<Int32> = []
    private(set) var written: [String] = []
    private(set) var killed: [Int32] = []

    /// A machine with the unified hierarchy, on which the host is in that group.
    init(group: String = "/g", controllers: String = "cpu memory pids", enabled: String = "cpu memory pids") {
        let folder = group == "/" ? "/sys/fs/cgroup" : "/sys/fs/cgroup" + group
        texts["/proc/self/cgroup"] = "0::\(group)\n"
        texts["/proc/self/mountinfo"] = "31 23 0:28 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n"
        texts[folder + "/cgroup.type"] = "domain"
        texts[folder + "/cgroup.controllers"] = controllers
        texts[folder + "/cgroup.subtree_control"] = enabled
        folders = [folder]
    }

    func read(_ path: String) -> String? { texts[path] }
    func write(_ text: String, to path: String) -> Bool {
        if refused.contains(where: path.hasSuffix) { return false }
        written.append("\(path)=\(text)")
        if text.hasPrefix("+") { texts[path, default: ""] += " " + text.dropFirst() }
        if path.hasSuffix("/cgroup.kill") { busy.remove(String(path.dropLast("/cgroup.kill".count))) }
        return true
    }
    func make(_ path: String) -> Bool {
        if refused.contains("mkdir") { return false }
        folders.insert(path)
        return true
    }
    func remove(_ path: String) -> Bool {
        if busy.contains(path) || folders.contains(where: { $0.hasPrefix(path + "/") }) { return false }
        folders.remove(path)
        return true
    }
    func names(_ path: String) -> [String] {
        folders.filter { $0.hasPrefix(path + "/") }.map { String($0.dropFirst(path.count + 1)) }.sorted()
    }
    func groups(_ path: String) -> [String] { names(path).filter { !$0.contains("/") } }
    func attribute(_ name: String, of path: String) -> String? { attributes[name] }
    func kill(_ pid: Int32) { killed.append(pid) }
    func exists(_ pid: Int32) -> Bool { alive.contains(pid) }
}

/// The control groups of a host's workers.
@Suite struct WorkerGroupsTests {
    private let limits = WorkerLimits(memoryMb: 64, processes: 20, cpuPercent: 50)
    private let mark = HostMark(pid: 7, number: 1)
    private let own = "/sys/fs/cgroup/g/schedhost-7-1-1"

    private func groups(_ files: FakeGroupFiles, _ tell: @escaping (String) -> Void = { _ in }) -> WorkerGroups {
        WorkerGroups(files, owner: mark, tell: tell)
    }

    /// Starts a worker; returns the groups that it is told to join.
    private func start(_ groups: WorkerGroups, _ limits: WorkerLimits, pid: Int32 = 99, isRoot: Bool = false) throws
        -> GroupMembership
    {
        try groups.enter(limits, isRoot: isRoot) { (joined) throws(SystemError) in (pid, joined) }
    }

    @Test func `a worker gets a group with its limits, which says how they are enforced once it is in it`() throws {
        let files = FakeGroupFiles()
        let groups = groups(files) { Issue.record("\($0)") }
        #expect(try start(groups, limits) == GroupMembership([own: [.cpu, .memory, .pids]]))
        #expect(files.written.contains(own + "/memory.max=67108864"))
        #expect(files.written.contains(own + "/cpu.max=50000 100000"))
        #expect(groups.bounds(of: limits, pid: 99).map(\.by) == ["RLIMIT_DATA only", "RLIMIT_NPROC only", "nice only"])
        files.texts["/proc/99/cgroup"] = "0::/g/schedhost-7-1-1\n"
        #expect(groups.bounds(of: limits, pid: 99).map(\.by) == ["memory.max", "pids.max", "cpu.max"])
        #expect(files.folders == ["/sys/fs/cgroup/g", own], "the trial is removed")
    }

    @Test func `without limits no group is made, and nothing is looked at`() throws {
        let files = FakeGroupFiles()
        #expect(try start(groups(files), WorkerLimits(openFiles: 9)) == GroupMembership())
        #expect(files.written.isEmpty && files.folders.count == 1)
    }

    @Test func `a delegated group is left by the host, so that its child groups can have controllers`() throws {
        let files = FakeGroupFiles(enabled: "")
        files.attributes["user.delegate"] = "1"
        #expect(groups(files).expected.places.count == 3)
        #expect(files.written.isEmpty, "a list changes nothing")
        #expect(try start(groups(files), limits).controllers == [.cpu, .memory, .pids])
        let folder = "/sys/fs/cgroup/g"
        #expect(
            Array(files.written.prefix(4)) == [
                folder + "/schedhost-host/cgroup.procs=0", folder + "/cgroup.subtree_control=+cpu",
                folder + "/cgroup.subtree_control=+memory", folder + "/cgroup.subtree_control=+pids",
            ])
    }

    @Test func `a group that belongs to somebody else is not changed, and what is missing is told once`() throws {
        let files = FakeGroupFiles(enabled: "pids")
        files.refused = ["/cpu.max", "/memory.max"]
        var told: [String] = []
        let groups = groups(files) { told.append($0) }
        #expect(groups.expected.places.keys.sorted { $0.rawValue < $1.rawValue } == [.pids])
        #expect(try start(groups, limits).controllers == [.pids])
        _ = try start(groups, WorkerLimits(cpuPercent: 10), pid: 100)
        #expect(told.count == 1 && told[0].contains("limits.cpu_percent is a share"))
        #expect(told[0].contains("limits.memory_mb holds for each process's own data"))
        #expect(!files.written.contains { $0.contains("subtree_control") })
    }

    @Test(arguments: [true, false]) func `where no group can be made at all, root has no limit of processes`(
        isRoot: Bool
    )
        throws
    {
        let files = FakeGroupFiles()
        files.refused = ["mkdir"]
        var told: [String] = []
        let groups = groups(files) { told.append($0) }
        #expect(try start(groups, limits, isRoot: isRoot) == GroupMembership())
        #expect(told.first?.contains(isRoot ? "limits.processes does not hold" : "counts all processes") == true)
        #expect(groups.bounds(of: limits, pid: 99)[1].means == (isRoot ? .nothing : .userTasks))
    }

    @Test func `a worker that cannot be started leaves no group`() throws {
        let files = FakeGroupFiles()
        let groups = groups(files)
        #expect(throws: SystemError.self) {
            try groups.enter(limits, isRoot: false) { (_) throws(SystemError) -> (Int32, Int) in
                throw SystemError("fork", "worker", number: 11)
            }
        }
        #expect(files.folders.count == 1)
    }

    @Test func `what a dead worker left in its group is killed, and the group removed`() throws {
        let files = FakeGroupFiles()
        let groups = groups(files)
        _ = try start(groups, limits)
        files.busy = [own]
        files.refused = ["/cgroup.kill"]
        files.texts[own + "/cgroup.procs"] = "11\n12\n"
        #expect(!groups.clear(of: 99) && files.killed == [11, 12])
        #expect(files.written.contains(own + "/pids.max=0"))
        files.refused = []
        #expect(groups.clear(of: 99) && !files.folders.contains(own))
        #expect(groups.clear(of: 99) && groups.clear(of: 5))
    }

    @Test(arguments: [true, false]) func `groups that a plugin has made within its own are cleared too`(
        hasKill: Bool
    ) throws {
        let files = FakeGroupFiles()
        let groups = groups(files)
        _ = try start(groups, limits)
        files.folders.formUnion([own + "/a", own + "/a/b", own + "/c"])
        if !hasKill {
            files.refused = ["/cgroup.kill"]
            files.busy = [own + "/a/b"]
            files.texts[own + "/a/b/cgroup.procs"] = "11\n"
            files.texts[own + "/c/cgroup.procs"] = "12\n"
            #expect(!groups.clear(of: 99) && Set(files.killed) == [11, 12])
            files.busy = []
        }
        #expect(groups.clear(of: 99) && files.folders == ["/sys/fs/cgroup/g"])
    }

    @Test func `the groups of a worker that writes its crash report are extended`() throws {
        let files = FakeGroupFiles()
        let groups = groups(files)
        _ = try start(groups, limits)
        let before = files.written.count
        groups.makeRoomForReport(of: 5)
        #expect(files.written.count == before, "a worker without groups")
        groups.makeRoomForReport(of: 99)
        let room = limits.withRoomForReport
        let written = files.written.dropFirst(before).filter { $0.hasPrefix(own + "/") }
        #expect(written.contains(own + "/pids.max=\(room.processes)") == (limits.processes > 0))
        #expect(written.contains(own + "/memory.max=\(room.memoryMb << 20)") == (limits.memoryMb > 0))
        #expect(!written.isEmpty)
    }

    @Test func `how often the kernel killed for want of memory is known while the group is there`() throws {
        let files = FakeGroupFiles()
        let groups = groups(files)
        _ = try start(groups, limits)
        #expect(groups.memoryKills(of: 99) == 0)
        files.texts[own + "/memory.events"] = "oom 1\noom_kill 1\n"
        #expect(groups.memoryKills(of: 99) == 1 && groups.memoryKills(of: 5) == 0)
        _ = groups.clear(of: 99)
        #expect(groups.memoryKills(of: 99) == 0)
    }

    @Test func `groups of dead hosts are removed, with what is in those of our own predecessors`() throws {
        let files = FakeGroupFiles()
        let folder = "/sys/fs/cgroup/g/"
        let left = HostMark(pid: 3, number: 5)
        files.alive = [4]
        for name in [
            "schedhost-3-5-1", "schedhost-4-6-1", "schedhost-5-7-1", "schedhost-6-8-1", "schedhost-host", "other",
        ] {
            files.folders.insert(folder + name)
        }
        files.busy = [folder + "schedhost-3-5-1", folder + "schedhost-6-8-1"]
        #expect(groups(files).sweep(owners: [left]))
        #expect(files.names("/sys/fs/cgroup/g") == ["other", "schedhost-4-6-1", "schedhost-6-8-1", "schedhost-host"])
        #expect(files.killed.isEmpty)
    }
}

import Testing

@testable import HostPolicy

/// The files and values of control groups, and how limits are enforced with and without them.
@Suite struct LimitPlanTests {
    private static let second = GroupPlaces(
        Dictionary(uniqueKeysWithValues: GroupPlaces.Controller.allCases.map { ($0, .init("/g", .second)) }))
    private static let first = GroupPlaces([
        .cpu: .init("/c", .first), .memory: .init("/m", .first), .pids: .init("/p", .first),
    ])
    private static let limits = WorkerLimits(memoryMb: 64, openFiles: 9, processes: 20, cpuPercent: 25)

    private static func written(_ plan: LimitPlan) -> [String] {
        plan.groups.flatMap { group in
            group.settings.values.flatMap { $0 }.map { "\(group.place.folder)/\($0.file)=\($0.value)" }
        }
        .sorted()
    }

    @Test func `a worker has one group with all limits, or one in each hierarchy`() {
        let plan = LimitPlan(Self.limits, in: Self.second)
        #expect(plan.groups.count == 1)
        #expect(
            Self.written(plan) == [
                "/g/cpu.max=25000 100000", "/g/memory.max=67108864", "/g/memory.swap.max=0", "/g/pids.max=20",
            ])
        let old = LimitPlan(Self.limits, in: Self.first)
        #expect(old.groups.count == 3)
        #expect(
            Self.written(old) == [
                "/c/cpu.cfs_period_us=100000", "/c/cpu.cfs_quota_us=25000", "/m/memory.limit_in_bytes=67108864",
                "/m/memory.memsw.limit_in_bytes=67108864", "/p/pids.max=20",
            ])
    }

    @Test func `what has no limit has no group`() {
        #expect(LimitPlan(WorkerLimits(openFiles: 9), in: Self.second).groups.isEmpty)
        #expect(Self.written(LimitPlan(WorkerLimits(cpuPercent: 100), in: Self.second)) == ["/g/cpu.max=100000 100000"])
        #expect(LimitPlan(Self.limits, in: GroupPlaces()).groups.isEmpty)
        #expect(WorkerLimits(cpuPercent: 1).hasGroups && !WorkerLimits(openFiles: 1).hasGroups)
    }

    @Test func `a crash report has room beyond what its worker may use, and whatever has no limit keeps none`() {
        let room = LimitPlan(Self.limits.withRoomForReport, in: Self.second)
        #expect(
            Self.written(room) == [
                "/g/cpu.max=100000 100000", "/g/memory.max=201326592", "/g/memory.swap.max=0", "/g/pids.max=28",
            ])
        #expect(WorkerLimits(openFiles: 9).withRoomForReport == WorkerLimits(openFiles: 9))
        #expect(WorkerLimits(memoryMb: .max, processes: .max).withRoomForReport.processes == .max)
    }

    @Test func `only swap space need not be there`() {
        for places in [Self.first, Self.second] {
            let all = LimitPlan(Self.limits, in: places).groups.flatMap { $0.settings.values.flatMap { $0 } }
            #expect(all.filter { $0.isOptional }.allSatisfy { $0.file.contains("sw") })
            #expect(all.filter { $0.isOptional }.count == 1)
        }
    }

    private static func texts(_ places: GroupPlaces, _ joined: Set<GroupPlaces.Controller>, isRoot: Bool) -> [String] {
        LimitBound.all(of: limits, in: places, joined: joined, isRoot: isRoot).map(\.text)
    }

    @Test func `each limit says how it is enforced`() {
        let all = Set(GroupPlaces.Controller.allCases)
        #expect(
            Self.texts(Self.second, all, isRoot: true) == [
                "memory 64 MB by memory.max", "9 open files by RLIMIT_NOFILE", "20 processes by pids.max",
                "processor 25 % by cpu.max",
            ])
        #expect(
            Self.texts(Self.first, all, isRoot: true) == [
                "memory 64 MB by memory.limit_in_bytes", "9 open files by RLIMIT_NOFILE", "20 processes by pids.max",
                "processor 25 % by cpu.cfs_quota_us",
            ])
        #expect(
            Self.texts(Self.second, [], isRoot: false) == [
                "memory 64 MB by RLIMIT_DATA only", "9 open files by RLIMIT_NOFILE",
                "20 processes by RLIMIT_NPROC only",
                "processor 25 % by nice only",
            ])
        #expect(Self.texts(Self.first, [.cpu], isRoot: true)[2] == "20 processes by nothing")
        #expect(LimitBound.all(of: WorkerLimits(), in: Self.first, joined: all, isRoot: true).isEmpty)
    }

    @Test func `where the kernel counts all tasks of a user, the worker is one of its own limit`() {
        #expect(WorkerLimits(processes: 20).userTasks(beside: 100) == 119)
        #expect(WorkerLimits(processes: 1).userTasks(beside: 1) == 1)
        #expect(WorkerLimits(processes: .max).userTasks(beside: 3) == UInt.max)
    }

    @Test func `what is enforced in part only is a warning with what would help`() {
        let none = LimitBound.all(of: Self.limits, in: GroupPlaces(), joined: [], isRoot: false)
        #expect(none.compactMap(\.shortfall).count == 3)
        #expect(
            LimitBound.warning(none.filter { $0.kind == .processor })
                == "limits.cpu_percent is a share where others want the processor too, and no bound: no control group can be had "
                + "for that here; a systemd unit with Delegate=cpu memory pids has them")
        let all = Set(GroupPlaces.Controller.allCases)
        #expect(LimitBound.warning(LimitBound.all(of: Self.limits, in: Self.second, joined: all, isRoot: true)) == nil)
    }

    @Test func `a worker's command line names the groups that it joins`() {
        let groups = GroupMembership(["/sys/fs/cgroup/a:b c/x": [.cpu, .pids], "/m": [.memory]])
        #expect(groups.arguments == ["group=memory:/m", "group=cpu,pids:/sys/fs/cgroup/a:b c/x"])
        #expect(GroupMembership(arguments: ["memory_mb=3"] + groups.arguments + ["group=", "group=x"]) == groups)
        #expect(WorkerLimits(arguments: groups.arguments) == WorkerLimits(arguments: []))
        #expect(groups.controllers == [.cpu, .memory, .pids] && GroupMembership().arguments.isEmpty)
    }

    @Test(
        arguments: [
            ("low 0\nhigh 0\nmax 31\noom 1\noom_kill 2\noom_group_kill 0\n", 2),
            ("oom_kill_disable 0\nunder_oom 0\noom_kill 7\n", 7), ("oom_kill x", nil), ("", nil),
        ] as [(String, Int?)]) func `the kernel's count of killed processes is read`(text: String, count: Int?)
    {
        #expect(LimitPlan.memoryKills(text) == count)
    }
}

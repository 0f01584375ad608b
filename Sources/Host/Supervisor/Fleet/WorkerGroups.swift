internal import HostPolicy
internal import HostSystem

/// The control groups of a host's workers. cgroups(7)
///
/// Which controllers the host can use is determined when the first worker with a limit starts. If there are none, the workers
/// have only the limits that need no control group.
final class WorkerGroups {
    private static let prefix = "schedhost-"
    /// The number of groups in a group that are cleared at once; the rest follows later.
    private static let mostNested = 1000

    /// A worker with limits that control groups can enforce.
    private struct Member {
        let name: String
        let groups: GroupMembership
        let limits: WorkerLimits
        let isRoot: Bool
    }

    private let files: any GroupFiles
    private let owner: HostMark
    private let tell: (String) -> Void
    private var told: Set<String> = []
    private var found: GroupPlaces?
    private var lastNumber = 0
    private var members: [Int32: Member] = [:]

    /// Keeps the groups of the host with that mark. `tell` is called once for each limit that is enforced in part only.
    init(_ files: any GroupFiles, owner: HostMark, tell: @escaping (String) -> Void) {
        self.files = files
        self.owner = owner
        self.tell = tell
    }

    // MARK: Places

    private var mounted: GroupPlaces {
        GroupPlaces(
            membership: files.read("/proc/self/cgroup") ?? "", mounts: files.read("/proc/self/mountinfo") ?? "")
    }

    private func facts(of folder: String, in mounted: GroupPlaces) -> GroupFacts {
        // The root of the machine's hierarchy lacks this file; the root of a container's has it.
        let isRoot = files.read(folder + "/cgroup.type") == nil
        let isDelegated = ["user.delegate", "trusted.delegate"].contains { files.attribute($0, of: folder) == "1" }
        return GroupFacts(
            available: files.read(folder + "/cgroup.controllers") ?? "",
            enabled: files.read(folder + "/cgroup.subtree_control") ?? "", isRoot: isRoot,
            isDelegated: isDelegated || mounted.isTop(folder))
    }

    /// The places that a host started like this process could use, as far as can be seen without changing anything.
    var expected: GroupPlaces {
        let mounted = mounted
        return GroupPlaces(
            mounted.places.filter { controller, place in
                switch place.version {
                case .first: true
                case .second: facts(of: place.folder, in: mounted).reachable.contains(controller)
                }
            })
    }

    /// The places that this host can use. The first call prepares them.
    var places: GroupPlaces {
        if let found { return found }
        let mounted = mounted
        for folder in Set(mounted.places.values.filter { $0.version == .second }.map(\.folder)) {
            prepare(folder, facts(of: folder, in: mounted).steps)
        }
        let usable = GroupPlaces(mounted.places.filter { isUsable($0.key, in: $0.value) })
        found = usable
        return usable
    }

    private func prepare(_ folder: String, _ steps: [GroupFacts.Step]) {
        for step in steps {
            switch step {
            case .leave:
                let own = folder + "/" + GroupPlaces.ownGroup
                guard files.make(own), files.write("0", to: own + "/cgroup.procs") else { return }
            case .enable(let controllers):
                // Each by itself, so that a missing one does not affect the others.
                for controller in controllers.map(\.rawValue).sorted() {
                    _ = files.write("+" + controller, to: folder + "/cgroup.subtree_control")
                }
            }
        }
    }

    /// Whether a new group there has the controller's files, and the host may write to them.
    private func isUsable(_ controller: GroupPlaces.Controller, in place: GroupPlaces.Place) -> Bool {
        let trial = place.folder + "/" + Self.prefix + owner.text + "-0"
        guard files.make(trial) else { return false }
        defer { _ = files.remove(trial) }
        let limits = WorkerLimits(memoryMb: 1024, processes: 64, cpuPercent: 50)
        let plan = LimitPlan(limits, in: GroupPlaces([controller: place]))
        return plan.groups.first?.settings[controller].map { set($0, in: trial) } ?? false
    }

    private func set(_ settings: [LimitPlan.Setting], in folder: String) -> Bool {
        settings.allSatisfy { files.write($0.value, to: folder + "/" + $0.file) || $0.isOptional }
    }

    // MARK: Members

    /// Creates the groups for a worker with these limits, and passes them to `start`, which starts the worker and returns its
    /// process id. The worker joins the groups itself, before it runs any code of a plugin. `isRoot`: it runs as root.
    func enter<Process>(
        _ limits: WorkerLimits, isRoot: Bool, start: (GroupMembership) throws(SystemError) -> (Int32, Process)
    ) throws(SystemError) -> Process {
        guard limits.hasGroups else { return try start(GroupMembership()).1 }
        lastNumber += 1
        let name = Self.prefix + owner.text + "-\(lastNumber)"
        var groups = GroupMembership()
        for group in LimitPlan(limits, in: places).groups {
            let folder = group.place.folder + "/" + name
            guard files.make(folder) else { continue }
            let made = group.settings.filter { set($0.value, in: folder) }.map(\.key)
            if made.isEmpty { _ = files.remove(folder) } else { groups.folders[folder] = Set(made) }
        }
        warn(LimitBound.all(of: limits, in: places, joined: groups.controllers, isRoot: isRoot))
        do throws(SystemError) {
            let (pid, process) = try start(groups)
            members[pid] = Member(name: name, groups: groups, limits: limits, isRoot: isRoot)
            return process
        } catch {
            for folder in groups.folders.keys { _ = files.remove(folder) }
            throw error
        }
    }

    private func warn(_ bounds: [LimitBound]) {
        let news = bounds.filter { bound in bound.shortfall.map { !told.contains($0) } ?? false }
        told.formUnion(news.compactMap(\.shortfall))
        if let text = LimitBound.warning(news) { tell(text) }
    }

    /// How a worker's limits are enforced. Only groups count that contain the process now.
    func bounds(of limits: WorkerLimits, pid: Int32) -> [LimitBound] {
        let found = found ?? GroupPlaces()
        var joined: Set<GroupPlaces.Controller> = []
        if let member = members[pid], !member.groups.folders.isEmpty {
            let text = files.read("/proc/\(pid)/cgroup") ?? ""
            joined = found.joined(text, name: member.name).intersection(member.groups.controllers)
        }
        return LimitBound.all(of: limits, in: found, joined: joined, isRoot: members[pid]?.isRoot ?? false)
    }

    /// Extends the groups of a worker that writes its crash report.
    func makeRoomForReport(of pid: Int32) {
        guard let member = members[pid] else { return }
        for group in LimitPlan(member.limits.withRoomForReport, in: places).groups {
            let folder = group.place.folder + "/" + member.name
            guard let joined = member.groups.folders[folder] else { continue }
            for (controller, settings) in group.settings where joined.contains(controller) {
                // The other way round than at the start: the limit with swap space can never be the lower one.
                _ = set(settings.reversed(), in: folder)
            }
        }
    }

    /// The number of a worker's processes that the kernel killed because their group needed more memory than it may have.
    func memoryKills(of pid: Int32) -> Int {
        guard let groups = members[pid]?.groups else { return 0 }
        for (folder, controllers) in groups.folders where controllers.contains(.memory) {
            let text = files.read(folder + "/memory.events") ?? files.read(folder + "/memory.oom_control") ?? ""
            if let count = LimitPlan.memoryKills(text) { return count }
        }
        return 0
    }

    // MARK: Removal

    /// Kills what is left in the groups of a dead worker, and removes them. Returns false while a group is not empty.
    func clear(of pid: Int32) -> Bool {
        guard let member = members[pid] else { return true }
        let isClear = member.groups.folders.keys.reduce(into: true) { isClear, folder in
            if !clear(folder) { isClear = false }
        }
        if isClear { members[pid] = nil }
        return isClear
    }

    /// Clears the groups that these hosts, which are dead, have left, and removes empty groups of other dead hosts. Returns false
    /// while a group that is to be cleared is not empty.
    func sweep(owners: Set<HostMark>) -> Bool {
        var isClear = true
        for parent in Set((found ?? mounted).places.values.map(\.folder)) {
            for name in files.names(parent) where name.hasPrefix(Self.prefix) {
                let parts = name.dropFirst(Self.prefix.count).split(separator: "-")
                guard parts.count >= 3, let host = Int32(parts[0]) else { continue }
                if owners.contains(where: { $0.text == parts.dropLast().joined(separator: "-") }) {
                    if !clear(parent + "/" + name) { isClear = false }
                } else if !files.exists(host) {
                    _ = files.remove(parent + "/" + name)
                }
            }
        }
        return isClear
    }

    /// Prevents further forks in the group and the groups in it, which a plugin may have made, and kills each process in
    /// them: with one write since Linux 5.14.
    private func clear(_ folder: String) -> Bool {
        if files.remove(folder) { return true }
        _ = files.write("0", to: folder + "/pids.max")
        let isKilled = files.write("1", to: folder + "/cgroup.kill")
        var groups = [folder]
        var next = 0
        while next < groups.count, groups.count < Self.mostNested {
            let outer = groups[next]
            groups += files.groups(outer).map { outer + "/" + $0 }
            next += 1
        }
        // The inner ones come later.
        for group in groups.reversed() {
            if !isKilled {
                for word in (files.read(group + "/cgroup.procs") ?? "").split(separator: "\n") {
                    if let pid = Int32(word) { files.kill(pid) }
                }
            }
            if group != folder { _ = files.remove(group) }
        }
        return files.remove(folder)
    }
}

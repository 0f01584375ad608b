import Testing

@testable import HostPolicy

/// Where control groups can be created, from the files in /proc.
@Suite struct GroupPlacesTests {
    private static let unified = "31 23 0:28 / /sys/fs/cgroup rw,nosuid shared:9 - cgroup2 cgroup2 rw,nsdelegate\n"
    private static let hybrid = """
        31 23 0:28 / /sys/fs/cgroup rw,relatime - tmpfs tmpfs rw,mode=755
        32 31 0:29 / /sys/fs/cgroup/cpu,cpuacct rw,relatime shared:1 master:2 - cgroup cgroup rw,cpu,cpuacct
        35 31 0:32 /docker/x /sys/fs/cgroup/memory rw,relatime - cgroup cgroup rw,memory
        41 31 0:38 / /sys/fs/cgroup/un\\040ified rw,relatime - cgroup2 cgroup2 rw
        """

    @Test func `one hierarchy has all controllers at its own group`() {
        let places = GroupPlaces(membership: "0::/system.slice/schedhost.service\n", mounts: Self.unified)
        let place = GroupPlaces.Place("/sys/fs/cgroup/system.slice/schedhost.service", .second)
        #expect(places.places == [.cpu: place, .memory: place, .pids: place])
        #expect(places.isTop("/sys/fs/cgroup") && !places.isTop(place.folder))
    }

    @Test func `each controller has its own hierarchy where there are some, and the rest is in the unified one`() {
        let places = GroupPlaces(
            membership: "4:memory:/docker/x/y\n2:cpu,cpuacct:/\n1:name=systemd:/z\n0::/u\n", mounts: Self.hybrid)
        #expect(
            places.places == [
                .cpu: .init("/sys/fs/cgroup/cpu,cpuacct", .first), .memory: .init("/sys/fs/cgroup/memory/y", .first),
                .pids: .init("/sys/fs/cgroup/un ified/u", .second),
            ])
    }

    @Test(
        arguments: [
            ("0::/a/schedhost-host", "/sys/fs/cgroup/a"), ("0::/schedhost-host", "/sys/fs/cgroup"),
            ("0::/", "/sys/fs/cgroup"), ("0::/../b", nil), ("", nil), ("nonsense", nil), ("0::", nil),
        ] as [(String, String?)]) func `a host that has left its group creates others beside its own`(
            membership: String, folder: String?
        )
    {
        #expect(GroupPlaces(membership: membership, mounts: Self.unified).places[.pids]?.folder == folder)
    }

    @Test func `what is not mounted, or beside the mount, has no place`() {
        #expect(GroupPlaces(membership: "0::/a", mounts: "").places.isEmpty)
        #expect(GroupPlaces(membership: "0::/a", mounts: "x y - cgroup2\n - - -\n").places.isEmpty)
        #expect(GroupPlaces(membership: "4:memory:/docker/xy\n", mounts: Self.hybrid).places[.memory] == nil)
        #expect(GroupPlaces(membership: "4:memory:/docker/x\n", mounts: Self.hybrid).places[.memory] != nil)
    }

    @Test func `which groups a process has joined is read from its own file`() {
        let first = GroupPlaces([.cpu: .init("/c", .first), .memory: .init("/m", .first), .pids: .init("/p", .second)])
        let text = "4:memory:/a/schedhost-1-x-2\n2:cpu,cpuacct:/schedhost-1-x-2\n0::/b/schedhost-1-x-3\n"
        #expect(first.joined(text, name: "schedhost-1-x-2") == [.cpu, .memory])
        #expect(first.joined(text, name: "schedhost-1-x-3") == [.pids])
        #expect(first.joined(text, name: "x-2").isEmpty && first.joined("", name: "a").isEmpty)
    }

    @Test(
        arguments: [
            // available, enabled, root, delegated
            ("cpu memory pids", "", false, true, [.leave, .enable([.cpu, .memory, .pids])]),
            ("cpu io memory", "cpu memory", false, true, []), ("cpu memory", "cpu", true, false, [.enable([.memory])]),
            ("cpu memory pids", "", false, false, []), ("", "", false, true, []),
            ("memory", "", false, true, [.leave, .enable([.memory])]),
        ] as [(String, String, Bool, Bool, [GroupFacts.Step])])
    func `controllers are enabled only in a folder that is ours`(
        available: String, enabled: String, isRoot: Bool, isDelegated: Bool, steps: [GroupFacts.Step]
    ) {
        let facts = GroupFacts(available: available, enabled: enabled, isRoot: isRoot, isDelegated: isDelegated)
        #expect(facts.steps == steps)
        #expect(facts.reachable == (steps.isEmpty ? facts.enabled : facts.available))
    }
}

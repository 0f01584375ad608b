import HostInspection
import HostValues
import Testing

/// Who can replace a directory through the one above it.
@Suite struct UnsafeParentTests {
    @Test(
        arguments: [
            (0, 0o755, nil), (1000, 0o700, nil), (0, 0o1777, nil), (0, 0o777, .mode(0o777)), (0, 0o775, nil),
            (1000, 0o775, .mode(0o775)), (1000, 0o777, .mode(0o777)),
            (1000, 0o1775, nil), (7, 0o755, .owner(7)), (7, 0o1777, .owner(7)), (65_534, 0o755, .owner(65_534)),
        ] as [(UInt32, UInt32, Refusal.Unsafe?)])
    func `others write it, unless the sticky bit is set, or own it`(
        owner: UInt32, mode: UInt32, fault: Refusal.Unsafe?
    ) {
        let status = FileStatus(
            kind: .directory, size: 0, mode: mode, owner: owner, group: 5, device: 1, inode: 1,
            modified: WallTime(nanoseconds: 0),
            links: 1, changed: WallTime(nanoseconds: 0))
        #expect(Refusal.Unsafe(parent: status, user: 1000) == fault)
        #expect(Refusal.Unsafe(parent: status, user: 1000, groups: [6]) == fault)
        let volume = Refusal.Unsafe(parent: status, user: 1000, isVolume: true)
        #expect(volume == (owner == 0 ? nil : fault), "a volume is as its platform makes it")
        // In a container whose users are not the machine's, nobody is the machine's root.
        let inside = Refusal.Unsafe(parent: status, user: 1000, hasUnknownUsers: true)
        #expect(inside == (owner == 65_534 ? nil : fault))
    }

    @Test func `a group that the host is in is trusted`() {
        for (mode, fault) in [(0o775, nil), (0o777, .mode(0o777))] as [(UInt32, Refusal.Unsafe?)] {
            let status = FileStatus(
                kind: .directory, size: 0, mode: mode, owner: 1000, group: 5, device: 1, inode: 1,
                modified: WallTime(nanoseconds: 0), links: 1, changed: WallTime(nanoseconds: 0))
            #expect(Refusal.Unsafe(parent: status, user: 1000, groups: [5]) == fault)
        }
    }
}

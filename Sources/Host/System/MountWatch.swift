internal import CHostSystem
internal import Glibc

/// Notices that something was mounted or unmounted. proc(5), `/proc/self/mounts`
public struct MountWatch: ~Copyable {
    private let table: Descriptor

    /// Begins to watch. Throws without /proc.
    public init() throws(SystemError) {
        table = try Directory("/proc/self").openForReading("mounts")
    }

    /// Whether the table has changed since the last call, or since the beginning. Does not wait. poll(2)
    public func hasChanged() -> Bool {
        var entry = pollfd(fd: table.raw, events: Int16(POLLPRI), revents: 0)
        return unsafe poll(&entry, 1, 0) != 0
    }
}

extension Mounts {
    /// The file systems that answer without a server, or a process, that may be slow or gone.
    private static let local: Set = [
        "btrfs", "cgroup", "cgroup2", "configfs", "debugfs", "devpts", "devtmpfs", "efivarfs", "erofs", "exfat", "ext2",
        "ext3", "ext4", "f2fs", "hugetlbfs", "iso9660", "jfs", "mqueue", "ntfs3", "overlay", "proc", "pstore", "ramfs",
        "securityfs", "squashfs", "sysfs", "tmpfs", "tracefs", "vfat", "xfs", "zfs",
    ]

    /// The mount points of other file systems: to look at one of them may take any time. nil without /proc.
    public static var remote: Set<String>? {
        guard let directory = try? Directory("/proc/self"), let file = try? directory.openForReading("mounts"),
            let bytes = try? file.readAll(limit: 16 << 20, subject: "mounts")
        else { return nil }
        var paths: Set<String> = []
        for line in bytes.split(separator: 0x0A) {
            let words = line.split(separator: 0x20, maxSplits: 3)
            guard words.count > 2, !local.contains(String(decoding: words[2], as: UTF8.self)) else { continue }
            paths.insert(unescaped(words[1]))
        }
        return paths
    }
}

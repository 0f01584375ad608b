internal import CHostSystem
internal import Glibc

/// A control group for one worker, where the system allows the host to create one. cgroups(7).
///
/// It limits only the number of processes: the other limits have system calls of their own, which need no privileges.
public enum ControlGroup {
    /// Moves this process into a new group with at most `processes` processes and threads. `owner` is the mark of the
    /// worker's host, which becomes part of the group's name. Returns false if no such group can be created: there is
    /// no `pids` controller, or this process may not use it.
    public static func confine(processes: UInt64, owner: String) -> Bool {
        guard let parent = parent() else { return false }
        let name = parent.child(name(of: HostProcess.pid, owner))
        guard unsafe mkdir(name, 0o755) == 0 || chs_errno() == EEXIST else { return false }
        if let group = try? Directory(name), write("\(processes)", to: "pids.max", in: group),
            write("0", to: "cgroup.procs", in: group)
        {
            return true
        }
        _ = unsafe rmdir(name)
        return false
    }

    /// Kills all that is left in the group of a dead worker, if it had one, and removes the group. Returns false while
    /// a process is left in it; since it has been killed, that lasts a moment only.
    public static func clear(of pid: Int32, owner: String) -> Bool {
        guard let parent = parent() else { return true }
        return clear(name(of: pid, owner), in: parent)
    }

    /// Clears the groups that these dead hosts have left, and removes other groups whose worker is gone if they are
    /// empty. Returns false while a process is left in a group that is to be cleared.
    public static func sweep(owners: Set<String>) -> Bool {
        guard let parent = parent(), let names = try? parent.names() else { return true }
        var isClear = true
        for name in names where name.hasPrefix(prefix) {
            let parts = name.dropFirst(prefix.count).split(separator: "-")
            guard let last = parts.last, let pid = Int32(last) else { continue }
            if owners.contains(parts.dropLast().joined(separator: "-")) {
                if !clear(name, in: parent) { isClear = false }
            } else if !HostProcess.exists(pid) {
                _ = unsafe rmdir(parent.child(name))
            }
        }
        return isClear
    }

    private static let prefix = "schedhost-"

    private static func name(of pid: Int32, _ owner: String) -> String { "\(prefix)\(owner)-\(pid)" }

    /// Forbids the group's processes to fork and kills each of them: with one write from Linux 5.14 on (`cgroup.kill`),
    /// else one by one.
    private static func clear(_ name: String, in parent: borrowing Directory) -> Bool {
        func isGone() -> Bool { unsafe rmdir(parent.child(name)) == 0 || chs_errno() != EBUSY }
        if isGone() { return true }
        guard let group = try? Directory(parent.child(name)) else { return true }
        _ = write("0", to: "pids.max", in: group)
        if !write("1", to: "cgroup.kill", in: group), let file = try? group.openForReading("cgroup.procs"),
            let bytes = try? file.readAll(limit: 1 << 20, subject: name)
        {
            for word in String(decoding: bytes, as: UTF8.self).split(separator: "\n") {
                if let pid = Int32(word) { ProcessFamily.kill(pid) }
            }
        }
        return isGone()
    }

    /// The directory of the control group that this process is in: in the `pids` hierarchy, or in the unified one.
    private static func parent() -> Directory? {
        guard let own = try? Directory("/proc/self"), let file = try? own.openForReading("cgroup"),
            let bytes = try? file.readAll(limit: 65_536, subject: "cgroup")
        else { return nil }
        for line in String(decoding: bytes, as: UTF8.self).split(separator: "\n") {
            let parts = line.split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false)
            guard parts.count == 3 else { continue }
            let isPids = parts[1].split(separator: ",").contains("pids")
            let isUnified = parts[0] == "0" && parts[1].isEmpty
            guard isPids || isUnified else { continue }
            if let directory = try? Directory("/sys/fs/cgroup" + (isPids ? "/\(parts[1])" : "") + parts[2]) {
                return directory
            }
        }
        return nil
    }

    private static func write(_ text: String, to name: String, in group: borrowing Directory) -> Bool {
        guard let file = try? group.openForUpdate(name) else { return false }
        do throws(SystemError) {
            try file.writeAll(Array(text.utf8), subject: name)
            return true
        } catch {
            return false
        }
    }
}

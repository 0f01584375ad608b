internal import CHostSystem
internal import Glibc

/// A control group for one worker, where the system lets us make one. cgroups(7).
///
/// Only the number of processes is bounded by it: the other limits have their own calls, which need no rights.
public enum ControlGroup {
    /// Moves this process into a group of its own with at most so many processes and threads; false when there is no
    /// such group to be had: no `pids` controller, or no right to use it.
    public static func confine(processes: UInt64) -> Bool {
        guard let parent = parent() else { return false }
        let name = parent.child(name(of: HostProcess.pid))
        guard unsafe mkdir(name, 0o755) == 0 || chs_errno() == EEXIST else { return false }
        if let group = try? Directory(name), write("\(processes)", to: "pids.max", in: group),
            write("0", to: "cgroup.procs", in: group)
        {
            return true
        }
        _ = unsafe rmdir(name)
        return false
    }

    /// Removes the group of a worker that is dead, if it had one; false while a process is in it.
    public static func remove(of pid: Int32) -> Bool {
        guard let parent = parent() else { return true }
        return unsafe rmdir(parent.child(name(of: pid))) == 0 || chs_errno() != EBUSY
    }

    /// Removes the groups that a dead host has left.
    public static func sweep() {
        guard let parent = parent(), let names = try? parent.names() else { return }
        for name in names where name.hasPrefix("schedhost-") {
            guard let pid = Int32(name.dropFirst(10)), !HostProcess.exists(pid) else { continue }
            _ = remove(of: pid)
        }
    }

    private static func name(of pid: Int32) -> String { "schedhost-\(pid)" }

    /// The directory of the group that we are in: of the `pids` hierarchy, or of the one for all controllers.
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

internal import CHostSystem
internal import Glibc

/// Processes that the host did not start itself: their relatives, and how to stop them. proc(5).
///
/// The kernel reuses process ids, so use an id immediately after finding it.
public enum ProcessFamily {
    /// The children of another process, at most `most` of them.
    public static func children(of parent: Int32, most: Int) -> [Int32] {
        guard let tasks = try? Directory("/proc/\(parent)/task"), let names = try? tasks.names() else { return [] }
        var found: [Int32] = []
        for name in names {
            guard let task = try? tasks.directory(name), let file = try? task.openForReading("children"),
                let bytes = try? file.readAll(limit: 1 << 20, subject: "children")
            else { continue }
            for word in bytes.split(separator: UInt8(ascii: " ")) {
                if let child = Int32(String(decoding: word, as: UTF8.self)) { found.append(child) }
                if found.count >= most { return found }
            }
        }
        return found
    }

    /// The parent of a process, its parent and so on, nearest first, up to this process or to one that is hidden: where
    /// only one's own processes can be seen (`hidepid` of proc(5)), the first of all is. nil if the process itself cannot
    /// be read, if one of them ends meanwhile, or if there are more than `most`.
    public static func ancestors(of pid: Int32, most: Int) -> [Int32]? {
        var found: [Int32] = []
        var next = pid
        while let state = state(of: next) {
            if state.parent <= 0 { return found }
            if found.count >= most { return nil }
            found.append(state.parent)
            if state.parent == HostProcess.pid { return found }
            next = state.parent
        }
        return !found.isEmpty && HostProcess.exists(next) ? found : nil
    }

    /// Whether no program that a process executes can gain privileges (no_new_privs), which a process never loses and
    /// passes on; nil if that cannot be read. prctl(2), `PR_SET_NO_NEW_PRIVS`.
    public static func gainsNoPrivileges(_ pid: Int32) -> Bool? {
        guard let process = try? Directory("/proc/\(pid)"), let file = try? process.openForReading("status"),
            let bytes = try? file.readAll(limit: 1 << 16, subject: "status")
        else { return nil }
        let name = Array("NoNewPrivs:".utf8)
        // The process's own name has no line breaks: the kernel escapes them.
        guard let line = bytes.split(separator: UInt8(ascii: "\n")).first(where: { $0.starts(with: name) }) else {
            return nil
        }
        return line.last == UInt8(ascii: "1")
    }

    /// The ids of all processes.
    public static func all() -> [Int32] {
        guard let processes = try? Directory("/proc"), let names = try? processes.names() else { return [] }
        return names.compactMap { Int32($0) }
    }

    /// Whether a process exists and is not a zombie.
    public static func isAlive(_ pid: Int32) -> Bool {
        guard let letter = state(of: pid)?.letter else { return false }
        return letter != UInt8(ascii: "Z") && letter != UInt8(ascii: "X")
    }

    /// A process's state letter and parent; nil if it is gone. The process's name may contain anything, so the fields
    /// are read from the last bracket on.
    private static func state(of pid: Int32) -> (letter: UInt8, parent: Int32)? {
        guard let process = try? Directory("/proc/\(pid)"), let file = try? process.openForReading("stat"),
            let bytes = try? file.readAll(limit: 4096, subject: "stat"),
            let bracket = bytes.lastIndex(of: UInt8(ascii: ")"))
        else { return nil }
        let words = bytes[(bracket + 1)...].split(separator: UInt8(ascii: " "))
        guard words.count > 1, let letter = words[0].first,
            let parent = Int32(String(decoding: words[1], as: UTF8.self))
        else { return nil }
        return (letter, parent)
    }

    /// Suspends a process. kill(2), SIGSTOP.
    public static func hold(_ pid: Int32) { if pid > 1 { _ = Glibc.kill(pid, SIGSTOP) } }

    /// Kills a process. kill(2).
    public static func kill(_ pid: Int32) { if pid > 1 { _ = Glibc.kill(pid, SIGKILL) } }
}

internal import CHostSystem
internal import Glibc

/// Processes that the host did not start itself: their children, their environment, and their end. proc(5).
///
/// By process ids, which the kernel gives again: to be asked in the same breath in which they were found.
public enum ProcessFamily {
    /// The children of another process, at most so many.
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

    /// All processes.
    public static func all() -> [Int32] {
        guard let processes = try? Directory("/proc"), let names = try? processes.names() else { return [] }
        return names.compactMap { Int32($0) }
    }

    /// Whether a process is there, and no zombie. Its name may hold anything: its state follows the last bracket.
    public static func isAlive(_ pid: Int32) -> Bool {
        guard let process = try? Directory("/proc/\(pid)"), let file = try? process.openForReading("stat"),
            let bytes = try? file.readAll(limit: 4096, subject: "stat"),
            let bracket = bytes.lastIndex(of: UInt8(ascii: ")")), bytes.indices.contains(bracket + 2)
        else { return false }
        return bytes[bracket + 2] != UInt8(ascii: "Z") && bytes[bracket + 2] != UInt8(ascii: "X")
    }

    /// Stops a process where it is; nothing in it runs until it is killed. kill(2), SIGSTOP.
    public static func hold(_ pid: Int32) { if pid > 1 { _ = Glibc.kill(pid, SIGSTOP) } }

    /// Kills a process. kill(2).
    public static func kill(_ pid: Int32) { if pid > 1 { _ = Glibc.kill(pid, SIGKILL) } }
}

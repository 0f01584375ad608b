import FoundationEssentials
import Glibc

/// What the kernel says of processes. proc(5).
enum Processes {
    /// The processes whose parent that is and that are no zombies.
    static func children(of parent: Int32) -> [Int32] {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? []
        return names.compactMap { Int32($0) }.filter { pid in
            guard let fields = stat(pid) else { return false }
            return fields.parent == parent && fields.state != "Z"
        }.sorted()
    }

    /// Whether it is there and no zombie.
    static func isAlive(_ pid: Int32) -> Bool {
        guard let fields = stat(pid) else { return false }
        return fields.state != "Z" && fields.state != "X"
    }

    /// State and parent; the name before them may hold anything, so they are looked for behind its last bracket.
    private static func stat(_ pid: Int32) -> (state: Substring, parent: Int32)? {
        guard let rest = Scratch.text("/proc/\(pid)/stat").split(separator: ")").last else { return nil }
        let words = rest.split(separator: " ")
        guard words.count > 20, let parent = Int32(words[1]) else { return nil }
        return (words[0], parent)
    }

    /// A number of `/proc/PID/status`, such as `voluntary_ctxt_switches`; `task` for one of its threads.
    static func number(_ name: String, of pid: Int32, task: Int32? = nil) -> Int? {
        let path = task.map { "/proc/\(pid)/task/\($0)/status" } ?? "/proc/\(pid)/status"
        let line = Scratch.text(path).split(separator: "\n").first { $0.hasPrefix(name + ":") }
        return line?.split(whereSeparator: \.isWhitespace).dropFirst().first.flatMap { Int($0) }
    }

    /// The files that it has mapped.
    static func maps(of pid: Int32) -> String { Scratch.text("/proc/\(pid)/maps") }

    /// How many descriptors it has open.
    static func descriptors(of pid: Int32) -> Int {
        (try? FileManager.default.contentsOfDirectory(atPath: "/proc/\(pid)/fd"))?.count ?? 0
    }

    static func kill(_ pid: Int32, _ signal: Int32) { _ = Glibc.kill(pid, signal) }
}

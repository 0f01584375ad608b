extension HostProcess {
    /// By how much a process that gives way is preferred, in thousandths of the machine's memory.
    private static let preference = 500

    /// When memory runs out, the kernel ends this process and its children rather than those that it came from: also where
    /// what takes the memory is no process's, such as a memory file. What the system does not allow stays as it is.
    /// proc(5), `/proc/PID/oom_score_adj`.
    public static func giveWayForMemory() {
        let name = "oom_score_adj"
        guard let own = try? Directory("/proc/self"), let file = try? own.openForUpdate(name),
            let bytes = try? file.read(count: 16, at: 0, subject: name),
            let present = Int(String(decoding: bytes.prefix { $0 != UInt8(ascii: "\n") }, as: UTF8.self))
        else { return }
        try? file.writeAll(Array("\(min(1000, present + preference))\n".utf8), subject: name)
    }
}

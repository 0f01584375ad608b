extension HostProcess {
    /// The amount that `giveWayForMemory` adds to `oom_score_adj`, in thousandths of the machine's memory.
    private static let preference = 500

    /// Makes the kernel prefer this process and its children to their ancestors when it must end a process for lack of
    /// memory, even if the memory belongs to no process, as that of a memfd. No effect if the system does not allow it.
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

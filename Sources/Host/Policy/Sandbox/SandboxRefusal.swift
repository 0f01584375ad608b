internal import HostValues

/// A system call that a worker's sandbox refused, for messages.
public struct SandboxRefusal: Equatable, Sendable {
    /// The name of the call.
    public let call: String
    /// How often the call was made.
    public let times: UInt32
    /// The function, file and line of the first call, as far as they are known.
    public var place: String?

    /// Creates the refusal of the call with that number; nil if there is no such call, which a plugin has made up then: the
    /// filter answers calls that it does not know by ENOSYS, without a word.
    public init?(call number: UInt32, times: UInt32, place: String? = nil) {
        guard let known = SystemCall(number: number) else { return nil }
        call = known.name
        self.times = times
        self.place = place
    }

    /// The setting that would permit the call, as far as there is one.
    private var mend: String {
        if Self.isBeyondSettings(call) { return "no setting but sandbox: \"off\" would allow it" }
        let own = Self.ofOwnProcesses.contains(call) ? " with the plugin's own processes" : ""
        return "sandbox: { syscalls: [\"\(call)\"] } would allow it\(own)"
    }

    /// Calls on other processes: Landlock lets none beyond the sandbox be reached by them.
    private static let ofOwnProcesses = [
        "ptrace", "process_vm_writev", "pidfd_getfd", "process_madvise", "move_pages", "migrate_pages", "kcmp",
    ]

    /// Calls that a worker in a sandbox cannot make even if the filter lets them pass: Landlock forbids changes of the file tree,
    /// and the others need capabilities that the worker has given away. landlock(7), capabilities(7)
    private static let beyondSettings = [
        "mount", "umount2", "pivot_root", "chroot", "fsopen", "fsconfig", "fsmount", "fspick", "move_mount",
        "mount_setattr",
        "setns", "kexec_load", "kexec_file_load", "init_module", "finit_module", "delete_module", "reboot", "swapon",
        "swapoff", "acct", "clock_settime", "settimeofday", "iopl", "ioperm", "sethostname", "setdomainname", "vhangup",
    ]

    /// Whether no setting of a sandbox allows a call: without a sandbox the plugin makes it as its user may.
    public static func isBeyondSettings(_ call: String) -> Bool { beyondSettings.contains(call) }

    /// The refusal in one line for the log.
    public var line: String {
        let often = times == 1 ? "" : " (\(times) times)"
        let place = place.map { times == 1 ? " at \($0)" : ", first at \($0)" } ?? ""
        return "its sandbox refused \(call)\(often)\(place): \(mend)"
    }

    /// The addition to an error message from a sandboxed plugin: the refused call, or else, if the text is about a
    /// missing permission, what the sandbox permits. It can only be a guess, because the kernel does not say what
    /// caused an error.
    public static func suffix(_ refusals: [SandboxRefusal], of text: String) -> String {
        if !refusals.isEmpty { return suffix(refusals) }
        func says(_ words: String...) -> Bool { words.contains { text.contains($0) } }
        if says("Address family not supported") {
            return
                "; its sandbox has no sockets of the file system, nor of other families than the internet's: sandbox: { unix: "
                + "[\"PATH\"] } would allow the ones, { syscalls: [\"socket\"] } all of them"
        }
        if says("Operation not permitted", "operation not permitted") {
            return
                "; its sandbox lets it change no modes and owners by path unless it gives the call back (sandbox: { syscalls: "
                + "[\"chmod\"] }), and reach no other processes"
        }
        guard says("Permission denied", "permission denied", "not permitted", "don't have permission") else {
            return ""
        }
        return
            "; its sandbox lets it write to $SCHEDHOST_DATA and what its params or sandbox: { write: [..] } name, read all but "
            + "devices and the host's own, and use ports that { bind: [..] } and { connect: [..] } name (schedhost check "
            + "--sandbox FILE finds them)"
    }

    /// The addition to the message of a failure; empty if nothing was refused.
    public static func suffix(_ refusals: [SandboxRefusal]) -> String {
        guard let first = refusals.first else { return "" }
        let place = first.place.map { " at \($0)" } ?? ""
        let others = refusals.count == 1 ? "" : " and \(refusals.count - 1) more"
        return "; its sandbox refused \(first.call)\(place)\(others): \(first.mend)"
    }
}

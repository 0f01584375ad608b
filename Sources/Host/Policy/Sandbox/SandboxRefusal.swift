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

    /// The setting that would permit the call.
    private var mend: String { "sandbox: { syscalls: [\"\(call)\"] } would allow it" }

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
                "; its sandbox lets it change no modes and owners by path, nor other processes, unless sandbox {} says more"
        }
        guard says("Permission denied", "permission denied", "not permitted", "don't have permission") else {
            return ""
        }
        return
            "; its sandbox lets it write to $SCHEDHOST_DATA and to paths in its params, and listen at no port, unless "
            + "sandbox {} says more"
    }

    /// The addition to the message of a failure; empty if nothing was refused.
    public static func suffix(_ refusals: [SandboxRefusal]) -> String {
        guard let first = refusals.first else { return "" }
        let place = first.place.map { " at \($0)" } ?? ""
        let others = refusals.count == 1 ? "" : " and \(refusals.count - 1) more"
        return "; its sandbox refused \(first.call)\(place)\(others): \(first.mend)"
    }
}

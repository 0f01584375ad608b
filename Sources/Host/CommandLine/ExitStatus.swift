/// What the program's exit status says; numbers as in sysexits.h.
public enum ExitStatus: Int32, CaseIterable, Sendable {
    case success = 0
    /// Something failed, and was said.
    case failure = 1
    /// The command line is wrong.
    case usage = 64
    /// A configuration, a plugin or another file is wrong.
    case badData = 65
    /// No host runs with this state directory.
    case noHost = 69
    /// A file or directory cannot be made.
    case cannotCreate = 73
    /// Another host uses the state directory.
    case stateInUse = 75

    /// In a few words, for the help text.
    public var meaning: String {
        switch self {
        case .success: "success"
        case .failure: "something failed"
        case .usage: "the command line is wrong"
        case .badData: "a file has wrong content"
        case .noHost: "no running host"
        case .cannotCreate: "a file or directory cannot be made"
        case .stateInUse: "another host uses the state directory"
        }
    }
}

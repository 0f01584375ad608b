/// The exit status of the program; the numbers follow sysexits.h.
public enum ExitStatus: Int32, CaseIterable, Sendable {
    case success = 0
    /// Something failed, and a message says what.
    case failure = 1
    /// The command line is wrong.
    case usage = 64
    /// A configuration, a plugin or another file is invalid.
    case badData = 65
    /// No host runs with this state directory.
    case noHost = 69
    /// A file or directory cannot be created.
    case cannotCreate = 73
    /// Another host uses the state directory.
    case stateInUse = 75

    /// A short description for the help text.
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

/// What is wrong with a command line: one line, and a second one that says where to read more.
public struct UsageError: Error, Equatable, Sendable, CustomStringConvertible {
    /// The command in question; nil: none was recognised.
    public var command: CommandName?
    /// What is wrong, and what is allowed.
    public var message: String

    /// An error; nil for the program as a whole.
    public init(command: CommandName?, message: String) {
        self.command = command
        self.message = message
    }

    /// Both lines, for the standard error.
    public var description: String {
        let name = command.map { " \($0.rawValue)" } ?? ""
        return "\(CommandTable.program)\(name): \(message)\nsee: \(CommandTable.program) help\(name)"
    }
}

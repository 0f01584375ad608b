/// An error in the command line: a line with the error, and a second one that refers to the help.
public struct UsageError: Error, Equatable, Sendable, CustomStringConvertible {
    /// The command; nil if none was recognised.
    public var command: CommandName?
    /// What is wrong, and what is allowed.
    public var message: String

    /// Creates an error; `command` is nil for the program as a whole.
    public init(command: CommandName?, message: String) {
        self.command = command
        self.message = message
    }

    /// Both lines, for standard error.
    public var description: String {
        let name = command.map { " \($0.rawValue)" } ?? ""
        return "\(CommandTable.program)\(name): \(message)\nsee: \(CommandTable.program) help\(name)"
    }
}

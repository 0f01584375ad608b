public import HostValues

/// An error in a configuration file: its position, what is wrong, and what is allowed, in one line.
public struct ConfigurationProblem: Equatable, Sendable, CustomStringConvertible {
    /// The name of the file, as the user knows it.
    public let file: String
    /// The position in the file, if it is known.
    public let position: TextPosition?
    /// The path of the key, such as `routines.sample.wait_ms`; empty for the file as a whole.
    public let keyPath: String
    /// What is wrong, and what is allowed.
    public let message: String

    /// The error in the form `FILE:LINE:COLUMN: KEY: what is wrong, and what is allowed`.
    public var description: String {
        let place = position.map { "\(file):\($0)" } ?? file
        return keyPath.isEmpty ? "\(place): \(message)" : "\(place): \(keyPath): \(message)"
    }
}

/// The errors in a configuration file, at most `limit` of them.
public struct ConfigurationError: Error, Equatable, Sendable, CustomStringConvertible {
    /// The maximum number of errors that are kept.
    public static let limit = 20

    /// The errors, in the order of the file.
    public internal(set) var problems: [ConfigurationProblem] = []
    /// The number of further errors.
    public internal(set) var omitted = 0

    mutating func add(_ problem: ConfigurationProblem) {
        if problems.count < Self.limit { problems.append(problem) } else { omitted += 1 }
    }

    /// The errors sorted by position.
    var inOrder: ConfigurationError {
        var sorted = self
        sorted.problems.sort { a, b in
            guard let first = a.position, let second = b.position else { return a.position == nil && b.position != nil }
            return (first.line, first.column) < (second.line, second.column)
        }
        return sorted
    }

    /// One line for each error.
    public var description: String {
        let lines = problems.map(\.description) + (omitted > 0 ? ["and \(omitted) more mistakes"] : [])
        return lines.joined(separator: "\n")
    }
}

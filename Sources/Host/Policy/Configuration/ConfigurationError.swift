public import HostValues

/// One mistake in a configuration file: where, what is wrong, and what is allowed. One line.
public struct ConfigurationProblem: Equatable, Sendable, CustomStringConvertible {
    /// The file, as the user knows it.
    public let file: String
    /// Where in it, if that is known.
    public let position: TextPosition?
    /// Which key, such as `routines.sample.wait_ms`; empty for the whole file.
    public let keyPath: String
    /// What is wrong, and what is allowed.
    public let message: String

    /// `FILE:LINE:COLUMN: KEY: what is wrong, and what is allowed`.
    public var description: String {
        let place = position.map { "\(file):\($0)" } ?? file
        return keyPath.isEmpty ? "\(place): \(message)" : "\(place): \(keyPath): \(message)"
    }
}

/// All mistakes of a configuration file, at most 20.
public struct ConfigurationError: Error, Equatable, Sendable, CustomStringConvertible {
    /// How many are kept.
    public static let limit = 20

    /// The mistakes, in the order of the text.
    public internal(set) var problems: [ConfigurationProblem] = []
    /// How many more there are.
    public internal(set) var omitted = 0

    mutating func add(_ problem: ConfigurationProblem) {
        if problems.count < Self.limit { problems.append(problem) } else { omitted += 1 }
    }

    /// The same, sorted by place.
    var inOrder: ConfigurationError {
        var sorted = self
        sorted.problems.sort { a, b in
            guard let first = a.position, let second = b.position else { return a.position == nil && b.position != nil }
            return (first.line, first.column) < (second.line, second.column)
        }
        return sorted
    }

    /// One line for each.
    public var description: String {
        let lines = problems.map(\.description) + (omitted > 0 ? ["and \(omitted) more mistakes"] : [])
        return lines.joined(separator: "\n")
    }
}

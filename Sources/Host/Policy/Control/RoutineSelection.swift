internal import HostValues

/// The routines that a person means by ids. Pure.
public enum RoutineSelection {
    /// An id that names nothing, with what was meant, perhaps.
    public struct Unknown: Error, Equatable, Sendable, CustomStringConvertible {
        /// One line.
        public let description: String
    }

    /// The ids of routines, each once and in their order, that are meant by `plugin/routine`, `plugin@instance/routine`, `plugin`
    /// and `plugin@instance`. A plugin without its instance means all of them.
    ///
    /// `known` are all routines' ids. Of plugins without routines nothing is known here, so they are unknown.
    public static func resolve(_ wanted: [String], among known: [String]) throws(Unknown) -> [String] {
        let sorted = known.sorted(by: NaturalOrder.precedes)
        var chosen: Set<String> = []
        for word in wanted {
            let matches = sorted.filter { isMeant($0, by: word) }
            if matches.isEmpty { throw unknown(word, among: sorted) }
            chosen.formUnion(matches)
        }
        return sorted.filter { chosen.contains($0) }
    }

    /// Whether a word means that routine.
    public static func isMeant(_ identifier: String, by word: String) -> Bool {
        let parts = word.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
        let known = identifier.split(separator: "/", maxSplits: 1)
        guard known.count == 2, InstanceName.isMeant(String(known[0]), by: String(parts[0])) else { return false }
        return parts.count == 1 || parts[1] == known[1]
    }

    private static func unknown(_ word: String, among known: [String]) -> Unknown {
        let plugins = Set(known.compactMap { $0.split(separator: "/").first.map { String($0) } }).sorted()
        var suggestion = Spelling.suggestion(for: word, in: word.contains("/") ? known : plugins)
        if suggestion.isEmpty, let name = Spelling.nearest(to: word, in: known.compactMap { name(of: $0) }),
            let identifier = known.first(where: { Self.name(of: $0) == name })
        {
            suggestion = ": did you mean \(identifier)?"
        }
        var text = "there is no plugin or routine \(Spelling.quoted(word))\(suggestion)"
        if suggestion.isEmpty, !known.isEmpty {
            text += ": the routines are " + known.prefix(8).joined(separator: ", ")
            if known.count > 8 { text += " and \(known.count - 8) more (see: schedhost status)" }
        } else if known.isEmpty {
            text += ": the host runs no routine"
        }
        return Unknown(description: text)
    }

    private static func name(of identifier: String) -> String? {
        identifier.split(separator: "/", maxSplits: 1).dropFirst().first.map { String($0) }
    }
}

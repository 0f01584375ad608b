internal import HostValues

/// Finds the routines that a person refers to by ids. Pure.
public enum RoutineSelection {
    /// An id that matches no routine, with a suggestion if a similar id exists.
    public struct Unknown: Error, Equatable, Sendable, CustomStringConvertible {
        /// The error in one line.
        public let description: String
    }

    /// The ids of the routines that `wanted` refers to, without duplicates and sorted. An id has the form
    /// `plugin/routine`, `plugin@instance/routine`, `plugin` or `plugin@instance`. A plugin's name without an instance
    /// refers to all its instances.
    ///
    /// `known` has the ids of all routines. A plugin without routines does not occur there, so its name is unknown
    /// here.
    public static func resolve(_ wanted: [String], among known: [String]) throws(Unknown) -> [String] {
        let index = Index(known)
        var chosen: Set<Int> = []
        for word in wanted {
            let places = index.places(of: word)
            if places.isEmpty { throw unknown(word, among: known.sorted(by: NaturalOrder.precedes)) }
            chosen.formUnion(places)
        }
        return chosen.map { known[$0] }.sorted(by: NaturalOrder.precedes)
    }

    /// Where the routines are in a list of ids. A request may name thousands of them.
    private struct Index {
        /// The routines of each plugin by their names, shards also by the name without a number, and all by the empty name.
        private var routines: [String: [String: [Int]]] = [:]
        /// What a word before the slash means: a plugin, or all instances of one.
        private var plugins: [String: [String]] = [:]

        init(_ known: [String]) {
            for (place, identifier) in known.enumerated() {
                let parts = identifier.split(separator: "/", maxSplits: 1)
                guard parts.count == 2 else { continue }
                let (plugin, routine) = (String(parts[0]), String(parts[1]))
                if routines[plugin] == nil {
                    plugins[plugin, default: []].append(plugin)
                    if let mark = plugin.firstIndex(of: "@") {
                        plugins[String(plugin[..<mark]), default: []].append(plugin)
                    }
                }
                let shared = RoutineShard.split(routine).routine
                for name in Set(["", routine, shared]) {
                    routines[plugin, default: [:]][name, default: []].append(place)
                }
            }
        }

        func places(of word: String) -> [Int] {
            let parts = word.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
            // A slash with nothing behind it names no routine.
            if parts.count == 2, parts[1].isEmpty { return [] }
            let name = parts.count == 2 ? String(parts[1]) : ""
            return (plugins[String(parts[0])] ?? []).flatMap { routines[$0]?[name] ?? [] }
        }
    }

    /// Whether `word` refers to the routine with that identifier.
    public static func isMeant(_ identifier: String, by word: String) -> Bool {
        let parts = word.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
        let known = identifier.split(separator: "/", maxSplits: 1)
        guard known.count == 2, InstanceName.matches(String(known[0]), by: String(parts[0])) else { return false }
        return parts.count == 1 || parts[1] == known[1] || parts[1] == RoutineShard.split(String(known[1])).routine
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

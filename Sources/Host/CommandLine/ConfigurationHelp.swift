internal import HostPolicy
internal import HostValues

/// The reference of configuration keys that `schedhost help config` shows. Pure.
public enum ConfigurationHelp {
    /// The selection of keys and the format.
    public enum Subject: Equatable, Sendable {
        /// Every key.
        case all
        /// Individual keys.
        case keys([String])
        /// All keys, as tables for a README.
        case markdown
    }

    /// The keys that a word stands for: the path of a key, an object such as `restart`, or the name of a key within its
    /// object if only one object has that name. Nil for any other word.
    public static func keys(named word: String) -> [String]? {
        let entries = ConfigurationReference.entries
        if entries.contains(where: { $0.key == word }) { return [word] }
        let group = entries.filter { $0.group == word }.map(\.key)
        if !group.isEmpty { return group }
        let named = entries.filter { $0.key.hasSuffix("." + word) }.map(\.key)
        return named.count == 1 ? named : nil
    }

    /// The words that completions offer: the paths of all keys, and the objects.
    public static let words: [String] = {
        var words = ConfigurationReference.entries.map(\.key)
        for group in ConfigurationReference.entries.compactMap(\.group) where !words.contains(group) {
            words.append(group)
        }
        return words
    }()

    /// The text for the selected keys.
    public static func text(_ subject: Subject) -> String {
        switch subject {
        case .all: all()
        case .keys(let keys):
            ConfigurationReference.entries.filter { keys.contains($0.key) }.map { whole($0) }.joined(separator: "\n")
        case .markdown: markdown()
        }
    }

    // MARK: Terminal output

    static let introduction = [
        "A configuration is JSON5: a plugin's in PLUGIN.json5 beside the plugins, the host's, for all plugins, in "
            + "schedhost.json5 there or in run --config FILE.",
        "Of several places that set one key the later one of these wins: what is built in, the plugin itself, "
            + "schedhost.json5, the plugin's block in it, the plugin's file, the command line; and in each file a routine's "
            + "block wins over what stands for its whole plugin. schedhost list shows what holds, and where it was set.",
    ]

    private static func all() -> String {
        var text = introduction.map { HelpText.wrap($0, indent: 0) }.joined(separator: "\n")
        for section in ConfigurationReference.sections {
            text += "\n" + section.title.lowercased() + ":\n"
            for entry in section.entries {
                text += "  \(entry.key)\n" + HelpText.wrap(entry.text, indent: 6)
                text += HelpText.wrap("\(entry.allowed); built in: \(entry.builtIn)", indent: 6)
                text += HelpText.wrap("set in: " + entry.placesText, indent: 6)
                text += HelpText.wrap("example: \(entry.example)", indent: 6)
            }
        }
        return text + "\n\(CommandTable.program) help config KEY shows one of them.\n"
    }

    private static func whole(_ entry: ConfigurationEntry) -> String {
        var text = entry.key + "\n\n" + HelpText.wrap(entry.text, indent: 2) + "\n"
        func line(_ name: String, _ value: String) {
            text += HelpText.wrap(value, indent: 12, first: TerminalText.pad("  " + name, to: 12))
        }
        line("type", entry.form.type)
        if let unit = entry.form.unit { line("unit", unit) }
        if let range = entry.form.range { line("range", range) }
        if let zero = entry.form.zero { line("zero", zero) }
        line("built in", entry.builtIn)
        line("set in", entry.placesText)
        line("example", entry.example)
        return text
    }

    // MARK: Markdown for a README

    private static func markdown() -> String {
        func cell(_ text: String) -> String { text.replacing("|", with: "\\|") }
        var text = ""
        for section in ConfigurationReference.sections {
            text += (text.isEmpty ? "" : "\n") + "**\(section.title)**\n\n"
            text += "| key | what it does | what it may be | built in | set in | example |\n|---|---|---|---|---|---|\n"
            for entry in section.entries {
                let cells = [
                    "`\(entry.key)`", entry.text, entry.allowed, entry.builtIn, entry.places.map(\.letter).joined(),
                    "`\(entry.example)`",
                ]
                text += "| " + cells.map { cell($0) }.joined(separator: " | ") + " |\n"
            }
        }
        return text
    }
}

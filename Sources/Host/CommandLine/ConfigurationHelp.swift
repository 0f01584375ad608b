internal import HostPolicy
internal import HostValues

/// What `schedhost help config` shows of the keys of a configuration. Pure.
public enum ConfigurationHelp {
    /// What is shown.
    public enum Subject: Equatable, Sendable {
        /// Every key.
        case all
        /// One key, or those of one object.
        case keys([String])
        /// Every key as tables for a README.
        case markdown
    }

    /// What a word means: a key's path, an object such as `restart`, or a key's name in its object where only one has it;
    /// nil when it is none of them.
    public static func keys(named word: String) -> [String]? {
        let entries = ConfigurationReference.entries
        if entries.contains(where: { $0.key == word }) { return [word] }
        let group = entries.filter { $0.group == word }.map(\.key)
        if !group.isEmpty { return group }
        let named = entries.filter { $0.key.hasSuffix("." + word) }.map(\.key)
        return named.count == 1 ? named : nil
    }

    /// All words that `keys(named:)` surely knows.
    public static let words: [String] = {
        var words = ConfigurationReference.entries.map(\.key)
        for group in ConfigurationReference.entries.compactMap(\.group) where !words.contains(group) {
            words.append(group)
        }
        return words
    }()

    /// The text.
    public static func text(_ subject: Subject) -> String {
        switch subject {
        case .all: all()
        case .keys(let keys):
            ConfigurationReference.entries.filter { keys.contains($0.key) }.map { whole($0) }.joined(separator: "\n")
        case .markdown: markdown()
        }
    }

    // MARK: In a terminal

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

    // MARK: In a README

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

internal import HostValues

/// Generates the help texts from the table of commands, at most 80 columns wide. Pure.
public enum HelpText {
    /// The maximum width of a line, in columns.
    static let width = 80

    /// The text of `schedhost help COMMAND`; for nil that of `schedhost help`.
    public static func text(_ command: CommandName?) -> String {
        command.map { text(of: CommandTable.specification(of: $0)) } ?? overview()
    }

    private static func overview() -> String {
        let program = CommandTable.program
        var text = wrap("\(program) \(CommandTable.summary).", indent: 0)
        text += "\nusage: \(program) --plugins DIR [OPTION]...\n       \(program) COMMAND [OPTION]...\n\ncommands:\n"
        for command in CommandTable.commands { text += entry(command.name.rawValue, command.summary, column: 14) }
        text += "\nexit status:\n"
        for status in ExitStatus.allCases { text += entry(String(status.rawValue), status.meaning, column: 12) }
        text += entry("128 + N", "ended by the signal N", column: 12)
        text += "\n\(program) help COMMAND says more of a command.\n"
        return text + "\(program) help config explains the keys of a configuration.\n"
    }

    private static func text(of command: CommandSpecification) -> String {
        var text = wrap(synopsis(command), indent: 7, first: "usage: ")
        text += "\n" + wrap(sentence(command.summary), indent: 0)
        for paragraph in command.details { text += "\n" + wrap(paragraph, indent: 0) }
        text += "\noptions:\n"
        for option in command.options { text += self.option(option) }
        text += entry("-h, --help", "show this", column: 26)
        if !command.examples.isEmpty {
            text += "\nexamples:\n"
            for example in command.examples { text += "  \(example.line)\n" + wrap(example.purpose, indent: 6) }
        }
        return text
    }

    private static func synopsis(_ command: CommandSpecification) -> String {
        var words = [CommandTable.program, command.name.rawValue]
        words += command.options.filter(\.isRequired).map(\.synopsis)
        if command.options.contains(where: { !$0.isRequired }) { words.append("[OPTION]...") }
        if !command.operands.isEmpty { words.append(command.operands) }
        return words.joined(separator: " ")
    }

    private static func option(_ option: OptionSpecification) -> String {
        var help = option.help
        if case .choice(let words) = option.value { help += ": " + Spelling.choice(words) }
        return entry(option.synopsis, help, column: 26)
    }

    private static func sentence(_ text: String) -> String { text.prefix(1).uppercased() + text.dropFirst() + "." }

    /// A term with its meaning at `column`. A term that is too long has a line of its own.
    private static func entry(_ term: String, _ meaning: String, column: Int) -> String {
        let head = "  " + term
        if head.count + 2 > column { return head + "\n" + wrap(meaning, indent: column) }
        return wrap(meaning, indent: column, first: TerminalText.pad(head, to: column))
    }

    /// Wraps a text at spaces. Each line begins with `indent` spaces, or the first line with `first` instead.
    static func wrap(_ text: String, indent: Int, first: String? = nil) -> String {
        let margin = String(repeating: " ", count: indent)
        var result = ""
        var line = first ?? margin
        var isEmpty = true
        for word in text.split(separator: " ") {
            if !isEmpty, line.count + 1 + word.count > width {
                result += line + "\n"
                line = margin
                isEmpty = true
            }
            line += (isEmpty ? "" : " ") + word
            isEmpty = false
        }
        return result + line + "\n"
    }
}

internal import HostValues

/// Generates the manual pages in the format of man(7): schedhost(1) from the table of commands, and schedhost.json5(5)
/// from the reference of the configuration. Pure.
public enum ManualPage {
    /// The names of the pages.
    public enum Page: String, CaseIterable, Sendable {
        case program = "schedhost"
        case configuration = "schedhost.json5"
    }

    /// The text of a page.
    public static func text(_ page: Page) -> String {
        switch page {
        case .program: programPage()
        case .configuration: configurationPage()
        }
    }

    private static func programPage() -> String {
        let program = CommandTable.program
        var text = ".TH \(program.uppercased()) 1 \"\" \"\(program) \(HostVersion.text)\" \"User Commands\"\n"
        text += ".SH NAME\n\(program) \\- \(escaped(CommandTable.summary))\n"
        text += ".SH SYNOPSIS\n.B \(program)\n.B \\-\\-plugins\n.I DIR\n[\\fIOPTION\\fR]...\n.br\n"
        text += ".B \(program)\n.I COMMAND\n[\\fIOPTION\\fR]...\n.SH COMMANDS\n"
        for command in CommandTable.commands { text += section(of: command) }
        text += ".SH FILES\n"
        for (path, meaning) in files { text += ".TP\n.I \(escaped(path))\n\(escaped(meaning))\n" }
        text += ".SH PRIVILEGES\n\(escaped(privileges))\n"
        text += ".SH EXIT STATUS\n"
        for status in ExitStatus.allCases { text += ".TP\n.B \(status.rawValue)\n\(escaped(status.meaning))\n" }
        return text + ".SH SEE ALSO\n.BR \(program).json5 (5),\n.BR \(program)\\-plugin (3)\n"
    }

    private static let privileges =
        "Neither a plugin nor a program that it runs can gain privileges, so that sudo(8) and other set-user-id programs do not "
        + "work in there: let a service that has the privileges do the work, and ask it over a socket."

    private static let files = [
        ("DIR/*.so", "the plugins"),
        ("DIR/PLUGIN.json5", "the configuration of a plugin"),
        ("DIR/schedhost.json5", "the configuration of the host, and of any plugin"),
        (
            "STATE/sessions.jsonl",
            "the records of finished sessions, a line each; older ones are in sessions.1.jsonl and so on"
        ),
        ("STATE/schedules.json", "since when routines have their schedules, and when they last ran"),
        ("STATE/reports/", "the crash reports that records name, the newest 20 of each plugin"),
        ("STATE/tally.json", "failures and quarantines, and what a person paused or stopped, for the next host"),
        (
            "STATE/cache/",
            "the disk caches; a configuration's caches { durability, disk_files, disk_mb } says how they are kept: with "
                + "durability \"power\" each save waits until the disk has it"
        ),
        ("STATE/plugins/", "the copies of plugins that workers have loaded"),
        ("STATE/control.sock", "where a running host is asked, by its user and root"),
    ]

    private static func section(of command: CommandSpecification) -> String {
        var text = ".SS \(CommandTable.program) \(escaped(command.name.rawValue))"
        if !command.operands.isEmpty { text += " \(escaped(command.operands))" }
        text += "\n\(escaped(command.summary.prefix(1).uppercased() + command.summary.dropFirst())).\n"
        for paragraph in command.details { text += ".PP\n\(escaped(paragraph))\n" }
        for option in command.options {
            text += ".TP\n\\fB\\-\\-\(escaped(option.name.rawValue))\\fR"
            if option.value != nil { text += " \\fI\(escaped(option.placeholder))\\fR" }
            text += "\n\(escaped(option.help))"
            if case .choice(let words) = option.value { text += escaped(": " + Spelling.choice(words)) }
            text += "\n"
        }
        for example in command.examples {
            text += ".PP\n\(escaped(example.purpose.prefix(1).uppercased() + example.purpose.dropFirst())):\n"
            text += ".PP\n.nf\n    \(escaped(example.line))\n.fi\n"
        }
        return text
    }

    /// Escapes a text so that roff sees neither requests nor escapes in it.
    static func escaped(_ text: String) -> String {
        let plain = text.replacing("\\", with: "\\e").replacing("-", with: "\\-").replacing("'", with: "\\(aq")
        return plain.hasPrefix(".") ? "\\&" + plain : plain
    }
}

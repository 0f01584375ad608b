internal import HostValues

/// Generates the manual page of the configuration.
extension ManualPage {
    static func configurationPage() -> String {
        let program = CommandTable.program
        var text = ".TH \(program.uppercased()).JSON5 5 \"\" \"\(program) \(HostVersion.text)\" \"File Formats\"\n"
        text += ".SH NAME\n\(program).json5 \\- the configuration of \(program) and its plugins\n"
        text += ".SH SYNOPSIS\n.nf\n.I DIR/\(program).json5\n.I DIR/PLUGIN.json5\n.fi\n"
        text +=
            ".SH DESCRIPTION\n" + ConfigurationHelp.introduction.map { escaped($0) + "\n" }.joined(separator: ".PP\n")
        text += ".PP\n\(escaped(mistakes))\n"
        for section in ConfigurationReference.sections {
            text += ".SH \(escaped(section.title.uppercased()))\n"
            for entry in section.entries { text += item(entry) }
        }
        text += ".SH EXAMPLE\n.nf\n" + example.map { "\(escaped($0))\n" }.joined() + ".fi\n"
        text += ".SH FILES\n.TP\n.I \(escaped("DIR/schedhost.json5"))\n"
        text += "\(escaped("the host's configuration; another one with run --config FILE"))\n"
        text += ".TP\n.I \(escaped("DIR/PLUGIN.json5"))\n\(escaped("that of the plugin with this id"))\n"
        return text + ".SH SEE ALSO\n.BR \(program) (1),\n.BR \(program)\\-plugin (3)\n"
    }

    private static let mistakes =
        "An unknown key, a wrong type or a value out of range is an error that names file, line and key, and what is "
        + "allowed; schedhost check FILE tells it before the host does. A file that is edited while the host runs is read "
        + "again at once: one with a mistake changes nothing, and otherwise routines whose settings changed begin a new "
        + "session."

    /// An example file; the tests parse it.
    static let example = [
        "{",
        "    // every 2 s, and at most 30 s a cycle",
        "    wait_ms: 2000,",
        "    timeout_ms: 30000,",
        "    params: { symbol: \"ETH-USD\" },",
        "    restart: { first_delay_ms: 1000 },",
        "    limits: { memory_mb: 256, open_files: 128 },",
        "    routines: { snapshot: { max_cycles: 1000 } },",
        "}",
    ]

    private static func item(_ entry: ConfigurationEntry) -> String {
        var text = ".TP\n.B \(escaped(entry.key))\n\(escaped(entry.text))\n.RS\n"
        var facts = [("type", entry.allowed), ("built in", entry.builtIn), ("set in", entry.placesText)]
        facts.append(("example", entry.example))
        for (name, value) in facts { text += ".br\n\(name): \(escaped(value))\n" }
        return text + ".RE\n"
    }
}

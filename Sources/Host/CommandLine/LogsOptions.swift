public import HostValues

/// Options of `schedhost logs`.
public struct LogsOptions: Equatable, Sendable {
    /// The subjects, each `plugin/routine` or `plugin`; empty means the whole host.
    public var identifiers: [String] = []
    /// The number of newest lines to show.
    public var last = 100
    /// The lowest level to show.
    public var level = LogLevel.trace
    /// Whether the command continues to show new lines.
    public var follows = false
    /// The state directory of the host.
    public var state: String?
    /// Whether each line is shown as JSON.
    public var isJSON = false

    /// Creates options for the newest 100 lines of the whole host.
    public init() {}
}

extension ArgumentParser {
    func logs(_ parsed: Parsed) -> LogsOptions {
        var options = LogsOptions()
        options.identifiers = parsed.operands
        options.last = parsed.numbers[.last].map { Int($0) } ?? options.last
        options.level = parsed.texts[.level].flatMap { .init(rawValue: $0) } ?? options.level
        options.follows = parsed.has(.follow)
        options.state = parsed.texts[.state]
        options.isJSON = parsed.has(.json)
        return options
    }
}

extension CommandTable {
    static let logs = CommandSpecification(
        name: .logs, operands: "[ID]...", operandCount: 0...1000,
        summary: "show the last lines of a running host, of routines or of all",
        details: [
            "The lines of each ID, PLUGIN/ROUTINE or PLUGIN: what it logged, what its plugin printed, and what the host said of "
                + "it. Which routine printed is not known, so a routine is shown with its plugin's printed lines. Without IDs "
                + "all lines are shown. The host keeps the last 64 KiB of each routine, and 32 MiB in all.",
            "With --follow it goes on with what comes, until Ctrl-C or the host's end. Where lines come faster than they are "
                + "asked for, it says how many are missing; nobody waits for who reads them.",
        ],
        options: [
            OptionSpecification(flag: .follow, "go on with what comes"),
            OptionSpecification(.last, .count(most: 2000), "N", "the newest N at first, 100 by default"),
            OptionSpecification(
                .level, .choice(LogLevel.allCases.map(\.rawValue)), "LEVEL", "only lines from this level on"),
            OptionSpecification(flag: .json, "each line as a JSON object"), state,
        ],
        examples: [
            .init(line: "schedhost logs market-poller --follow", purpose: "what it says from now on"),
            .init(line: "schedhost logs --level warning --last 20", purpose: "what went wrong of late"),
        ])
}

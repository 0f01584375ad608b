public import HostValues

/// Options of `schedhost logs`.
public struct LogsOptions: Equatable, Sendable {
    /// `plugin/routine` or `plugin`; empty: all of the host.
    public var identifiers: [String] = []
    /// The newest so many.
    public var last = 100
    /// From this level on.
    public var level = LogLevel.trace
    /// Whether it goes on with what comes.
    public var follows = false
    /// The state directory of the host that is asked.
    public var state: String?
    /// Whether each line is shown as JSON.
    public var isJSON = false

    /// The newest hundred of all.
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

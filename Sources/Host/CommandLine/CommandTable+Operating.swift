internal import HostValues
internal import HostViews

/// The commands that talk to a running host.
extension CommandTable {
    static let json = OptionSpecification(flag: .json, "show the answer as JSON")
    private static let ids = "Each ID is PLUGIN/ROUTINE, or PLUGIN for all its routines."

    static let status = CommandSpecification(
        name: .status, operands: "[ID]...", operandCount: 0...1000, summary: "show what a running host is doing",
        details: [
            "Shows the host, its workers and its routines; with IDs, of the routines those only. The numbers come from "
                + "memory that the workers share with the host: asking costs them nothing. Counts are since the host's start; p50 and p99 are "
                + "estimates: the true value is between half and twice what is shown.",
            "With --fleet it shows all hosts of the running host's cluster instead, as that host reads them in their store: which "
                + "there are, also those that have left or died within 30 days; who holds which lease; sessions that run; and the newest that "
                + "have ended. When the store does not answer within 3 s, it shows what was read before, and says how old that is.",
        ],
        options: [OptionSpecification(flag: .fleet, "show all hosts of the cluster"), json, state],
        examples: [
            .init(line: "schedhost status", purpose: "everything"),
            .init(
                line: "schedhost status --json | jq '.routines[] | select(.state == \"quarantined\")'",
                purpose: "for other tools"),
        ])

    static let top = CommandSpecification(
        name: .top, summary: "show what a running host is doing, live in a terminal",
        details: [
            "Keys: s and S change what is sorted by, r turns the order, arrows or j and k scroll, q quits. Each bar is "
                + "the mean duration of the cycles between two looks, and the highest bar of a line is the longest of them.",
            "With --json it wants no terminal, and writes what status --json does, sorted: once, or with --interval a "
                + "line each time until it is ended.",
        ],
        options: [
            OptionSpecification(
                .sort, .choice(TopScreen.Key.allCases.map(\.rawValue)), "KEY",
                "what is sorted by at first, id by default"),
            OptionSpecification(
                .interval, .duration(mostMs: 3_600_000), "TIME",
                "from one look to the next: 1 s by default, 0.1 s at least"),
            OptionSpecification(flag: .json, "write it as JSON, once or with --interval a line each time"), state,
        ],
        examples: [
            .init(line: "schedhost top --sort p99", purpose: "the slowest first"),
            .init(line: "schedhost top --json --interval 5 >> status.jsonl", purpose: "a line every 5 s"),
        ])

    static let metrics = CommandSpecification(
        name: .metrics, summary: "show a running host's metrics in Prometheus's text format",
        details: [
            "The same as run --metrics-file writes and run --listen serves at /metrics. Counters are since the host's start."
        ],
        options: [
            OptionSpecification(
                flag: .json, "the same as JSON: a list of metrics, each with name, type, help and samples"), state,
        ])

    static let report = CommandSpecification(
        name: .report, summary: "write a page that shows a host and its sessions into one HTML file",
        details: [
            "The file needs nothing else: it can be mailed, or kept with a ticket. It shows the running host, if there is "
                + "one, the newest 500 sessions, and the crash reports of the newest that crashed."
        ],
        options: [
            OptionSpecification(
                .output, .file, "FILE", isRequired: true, "the file to write; - for the standard output"),
            OptionSpecification(flag: .json, "write what the page would show as JSON: status, records, reports"), state,
        ])

    static let why = CommandSpecification(
        name: .why, operands: "ID...", operandCount: 1...1000, summary: "say why routines do not run now",
        details: [
            "A paragraph for each: what it is doing or waiting for, since when, how its last session ended, and what would change "
                + "that. An ID may also be a plugin's file that is refused. " + ids
        ],
        options: [json, state],
        examples: [.init(line: "schedhost why market-poller/snapshot", purpose: "one routine")])

    static let cluster = CommandSpecification(
        name: .cluster, operands: "[ACTION [ID...]]", operandCount: 0...1000,
        firstOperand: ClusterOptions.Action.allCases.map(\.rawValue),
        summary: "show the hosts of a cluster and which of them runs what, or change that",
        details: [
            "show, or no word: as the running host has read it from the cluster's store, the hosts that there are, and for each "
                + "routine with run_on: \"one\" or \"shards\" who holds its lease, with the lease's token. On any host of the "
                + "cluster.",
            "drain gives back all leases of this host, each when its cycle in progress has ended, and waits until none is left; "
                + "the host takes none until undrain, also after a restart of the host or of the machine. Routines that run on "
                + "each host are not concerned.",
            "move gives back leases that this host holds, to the host that --to names, or to the one that comes next for them; this "
                + "one does not take them again for three lease_ms, and with rebalance \"move\" it may have them back then. What is held "
                + "elsewhere is moved from there. " + ids,
        ],
        options: [
            OptionSpecification(.to, .text, "HOST", "with move: the host's name, or how its id begins"), json, state,
        ],
        examples: [
            .init(line: "schedhost cluster drain && reboot", purpose: "let the other hosts have all of it before"),
            .init(line: "schedhost cluster move crawler/crawl#3 --to web-2", purpose: "one part of a routine"),
        ])

    static let runNow = action(
        .runNow, "let the next cycle of routines come now",
        "Does not wait for the interval; the grid of later cycles begins there. " + ids)

    static let pause = action(
        .pause, "hold the cycles of routines",
        "Their sessions and caches stay as they are until resume. A changed file or another host changes nothing about "
            + "that. " + ids)

    static let resume = action(
        .resume, "let routines go on that are paused, stopped or quarantined",
        "Lifts a pause and a quarantine, and starts what was stopped or complete. The name of a plugin that is refused, "
            + "because another file had its name, gives it that name with its settings, caches and data. " + ids)

    static let restart = action(
        .restart, "end the sessions of routines and begin new ones",
        "A cycle in progress comes to its end first; one that does not end within --grace is ended with its worker. "
            + ids)

    static let stop = action(
        .stop, "end the sessions of routines, and let them stay stopped",
        "They stay so, also in the next host, until resume, restart or a changed file. " + ids)

    static let reload = CommandSpecification(
        name: .reload, summary: "look at the plugins directory and the configurations again",
        details: ["The same as SIGHUP."], options: [json, state])

    static let logLevel = CommandSpecification(
        name: .logLevel, operands: "[LEVEL]", operandCount: 0...1, firstOperand: LogLevel.allCases.map(\.rawValue),
        summary: "show or set the least level that is logged", options: [json, state],
        examples: [.init(line: "schedhost log-level debug", purpose: "until it is set again or the host ends")])

    private static func action(_ name: CommandName, _ summary: String, _ details: String) -> CommandSpecification {
        CommandSpecification(
            name: name, operands: "ID...", operandCount: 1...1000, summary: summary, details: [details],
            options: [json, state])
    }
}

import HostPolicy
import HostSystem
import HostTestKit
import HostValues
import HostViews
import HostWire
import Testing

@testable import HostCommandLine

struct ArgumentParserTests {
    /// 2026-11-24T05:48:20.500Z.
    static let now: Int64 = 1_795_499_300_500
    private let parser = ArgumentParser(nowMs: now, zone: .utc)

    private func parse(_ line: String) throws -> Command {
        try parser.parse(line.split(separator: " ").map { String($0) })
    }

    private func message(_ arguments: [String]) -> String {
        do throws(UsageError) {
            return "no error: \(try parser.parse(arguments))"
        } catch {
            return error.description
        }
    }

    @Test func runIsTheDefault() throws {
        var options = RunOptions()
        options.plugins = "./Plugins"
        #expect(try parse("--plugins ./Plugins") == .run(options))
        #expect(try parse("run --plugins=./Plugins") == .run(options))
        #expect(options.graceMs == 10_000 && options.logLevel == .info && options.logFormat == .text)
    }

    @Test func allOptionsOfRun() throws {
        var options = RunOptions()
        options.plugins = "p"
        options.state = "s=t"
        options.config = "-c"
        options.isolation = .shared
        options.maxCycles = 3
        options.untilMs = Self.now + 90_000
        options.exitWhenIdle = true
        options.logFormat = .json
        options.logLevel = .warning
        options.graceMs = 1500
        options.allowUnsafePermissions = true
        #expect(
            try parse(
                """
                run --state=s=t --config -c --plugins p --isolation shared --max-cycles 3 --until +90s --exit-when-idle \
                --log-format json --log-level=warning --grace 1.5 --allow-unsafe-permissions
                """) == .run(options))
    }

    @Test func otherCommands() throws {
        var list = ListOptions()
        list.plugins = "p"
        #expect(try parse("list --plugins p") == .list(list))
        #expect(try parse("check a.so -- --b.so -") == .check(.init(files: ["a.so", "--b.so", "-"])))
        var records = RecordsOptions()
        records.plugin = "p"
        records.routine = "r"
        records.failedOnly = true
        records.last = 7
        records.format = .csv
        #expect(try parse("records --plugin p --routine r --failed --last 7 --format csv") == .records(records))
        records.isOfFleet = true
        #expect(try parse("records --fleet --plugin p --routine r --failed --last 7 --format csv") == .records(records))
        var status = OperateOptions(.status)
        (status.isOfFleet, status.isJSON) = (true, true)
        #expect(try parse("status --fleet --json") == .operate(status))
        var cache = CacheCommandOptions(.get)
        cache.plugin = "p"
        cache.routine = "r"
        cache.name = ""
        cache.key = ""
        #expect(try parser.parse(["cache", "get", "p/r", "", "--key="]) == .cache(cache))
        #expect(try parse("cache clear --all") == .cache(CacheCommandOptions(.clear)))
        cache = CacheCommandOptions(.show)
        cache.plugin = "p"
        cache.routine = CacheCommandOptions.shared
        cache.name = "n"
        #expect(try parse("cache show p n") == .cache(cache), "one that the plugin's routines share")
        #expect(try parse("version") == .version(isJSON: false))
        #expect(try parse("--version") == .version(isJSON: false))
    }

    @Test(
        arguments: [
            ("--help", nil), ("-h", nil), ("help", nil), ("help list", .list), ("list -h", .list),
            ("list --help", .list),
            ("records --last 3 --help", .records), ("--plugins x --help", .run), ("help help", .help),
            ("version -h", .version),
        ] as [(String, CommandName?)])
    func helpEverywhere(line: String, topic: CommandName?) throws {
        #expect(try parse(line) == .help(topic))
    }

    @Test func helpOfSettingsAndPages() throws {
        #expect(try parse("help config") == .configurationHelp(.all))
        #expect(
            try parse("help config restart.jitter_percent") == .configurationHelp(.keys(["restart.jitter_percent"])))
        #expect(try parse("help config --markdown") == .configurationHelp(.markdown))
        #expect(try parse("man") == .man(.program))
        #expect(try parse("man schedhost.json5") == .man(.configuration))
    }

    @Test(arguments: [
        ("", "schedhost: nothing to do: give --plugins DIR to run plugins, or a command\nsee: schedhost help"),
        ("lsit --plugins p", "schedhost: unknown command 'lsit': did you mean list?\nsee: schedhost help"),
        (
            "config timeout_ms",
            "schedhost: unknown command 'config': schedhost help config explains settings\nsee: schedhost help"
        ),
        ("frobnicate", "schedhost: unknown command 'frobnicate'\nsee: schedhost help"),
        ("run", "schedhost run: --plugins DIR is missing\nsee: schedhost help run"),
        ("--plugin p", "schedhost run: unknown option '--plugin': did you mean --plugins?\nsee: schedhost help run"),
        ("-plugins p", "schedhost run: unknown option '-plugins': did you mean --plugins?\nsee: schedhost help run"),
        (
            "records --fromat json",
            "schedhost records: unknown option '--fromat': did you mean --format?\nsee: schedhost help records"
        ),
        (
            "records --format jsno",
            "schedhost records: --format: 'jsno' is not table, json or csv: did you mean json?\nsee: schedhost help records"
        ),
        ("records --last 3 --last 4", "schedhost records: --last is given twice\nsee: schedhost help records"),
        ("records --failed --failed", "schedhost records: --failed is given twice\nsee: schedhost help records"),
        ("records --failed=yes", "schedhost records: --failed takes no value\nsee: schedhost help records"),
        ("records --last", "schedhost records: --last N: the value is missing\nsee: schedhost help records"),
        (
            "records --last 0",
            "schedhost records: --last: '0' is not a whole number from 1 to 10000000\nsee: schedhost help records"
        ),
        (
            "--plugins p --max-cycles -1",
            "schedhost run: --max-cycles: '-1' is not a whole number from 1\nsee: schedhost help run"
        ),
        (
            "--plugins p --max-cycles 99999999999999999999",
            "schedhost run: --max-cycles: '99999999999999999999' is not a whole number from 1\nsee: schedhost help run"
        ),
        (
            "--plugins --state s",
            "schedhost run: --plugins DIR: the value is missing, not '--state' (a value like that is written after =)\nsee: schedhost help run"
        ),
        ("--plugins=", "schedhost run: --plugins DIR: the value is empty\nsee: schedhost help run"),
        (
            "--plugins p list",
            "schedhost run: 'list' is one word too many: a command comes before all options\nsee: schedhost help run"
        ),
        (
            "--plugins p --grace 2d",
            "schedhost run: --grace: '2d' is not a time such as 10 (seconds), 1.5s, 500ms or 2m, up to 1 day\nsee: schedhost help run"
        ),
        (
            "--plugins p --until 25:00",
            "schedhost run: --until: '25:00' is not a time such as 2026-11-24T18:30:00Z, 18:30, +90s, +10m or +2h\nsee: schedhost help run"
        ),
        (
            "--plugins p --until 2020-01-01T00:00:00Z",
            "schedhost run: --until: '2020-01-01T00:00:00Z' is not in the future\nsee: schedhost help run"
        ),
        (
            "calendar 09:30 --from 1969-12-31T23:00:00Z",
            "schedhost calendar: schedules have no times before the year 1970\nsee: schedhost help calendar"
        ),
        ("check", "schedhost check: a FILE or --config is missing\nsee: schedhost help check"),
        ("cache", "schedhost cache: ACTION [PLUGIN[/ROUTINE] [NAME]] is missing\nsee: schedhost help cache"),
        (
            "cache sohw",
            "schedhost cache: 'sohw' is not list, show, get or clear: did you mean show?\nsee: schedhost help cache"
        ),
        ("cache show p", "schedhost cache: show wants PLUGIN/ROUTINE and NAME\nsee: schedhost help cache"),
        ("cache show p/r", "schedhost cache: show wants PLUGIN/ROUTINE and NAME\nsee: schedhost help cache"),
        ("cache list p//r", "schedhost cache: 'p//r' is not PLUGIN or PLUGIN/ROUTINE\nsee: schedhost help cache"),
        ("cache clear", "schedhost cache: clear wants a PLUGIN, or --all\nsee: schedhost help cache"),
        ("cache clear p --all", "schedhost cache: clear wants a PLUGIN or --all, not both\nsee: schedhost help cache"),
        ("cache list --all", "schedhost cache: --all is for clear only\nsee: schedhost help cache"),
        ("cache get p/r n x", "schedhost cache: 'x' is one word too many\nsee: schedhost help cache"),
        (
            "help recrods",
            "schedhost help: 'recrods' is not run, list, check, try, calendar, records, cache, status, why, cluster, logs, top, metrics, report, run-now, pause, resume, restart, stop, reload, log-level, new, completion, man, help, version or config: did you mean records?\nsee: schedhost help help"
        ),
        (
            "records --show 1m86w5wdjq9ma --last 3",
            "schedhost records: --show shows one record: leave out --last\nsee: schedhost help records"
        ),
        (
            "records --show 1m86w5wdjq9ma --plugin p",
            "schedhost records: --show shows one record: leave out --plugin\nsee: schedhost help records"
        ),
        (
            "records --show 1m86w5wdjq9ma --format csv",
            "schedhost records: --show has the forms table and json, not csv\nsee: schedhost help records"
        ),
        (
            "records --show 1m86w5wdjq9ma --fleet",
            "schedhost records: --show shows a record of this host: leave out --fleet\nsee: schedhost help records"
        ),
        (
            "status --fleet p/r",
            "schedhost status: --fleet shows all hosts as a whole: leave out the IDs\nsee: schedhost help status"
        ),
        (
            "--plugins p --listen-anywhere",
            "schedhost run: --listen-anywhere wants --listen ADDRESS:PORT\nsee: schedhost help run"
        ),
        (
            "--plugins p --listen 127.0.0.1:1 --listen-name a",
            "schedhost run: --listen-name wants --listen-anywhere\nsee: schedhost help run"
        ),
        (
            "cache get p/r n --json",
            "schedhost cache: get writes the value as it is: leave out --json\nsee: schedhost help cache"
        ),
        (
            "cache get p/r n --format json",
            "schedhost cache: get writes the value as it is: leave out --format\nsee: schedhost help cache"
        ),
        (
            "help config wait_mz",
            "schedhost help: there is no key 'wait_mz': did you mean wait_ms?\nsee: schedhost help help"
        ),
        ("help list wait_ms", "schedhost help: 'wait_ms' is one word too many\nsee: schedhost help help"),
        ("help list --markdown", "schedhost help: --markdown is for config\nsee: schedhost help help"),
        (
            "help config wait_ms --markdown",
            "schedhost help: --markdown shows every key: leave out the KEY\nsee: schedhost help help"
        ),
        ("version 3", "schedhost version: '3' is one word too many\nsee: schedhost help version"),
        ("-- x", "schedhost run: --plugins DIR is missing\nsee: schedhost help run"),
        ("-x", "schedhost run: unknown option '-x'\nsee: schedhost help run"),
    ])
    func errorsNameTheMend(line: String, text: String) {
        #expect(message(line.split(separator: " ").map { String($0) }) == text)
    }

    @Test func wordsOfTheUserCannotHarmTheTerminal() {
        let text = message(["list", "--\u{1B}[2J" + String(repeating: "x", count: 100_000)])
        #expect(!text.contains("\u{1B}"))
        #expect(text.count < 200)
    }

    @Test(
        arguments: [
            ("+90s", now + 90_000), ("+10m", now + 600_000), ("+2h", now + 7_200_000), ("+1.5", now + 1500),
            ("05:49", 1_795_499_340_000), ("05:48", 1_795_499_280_000 + 86_400_000), ("00:00", 1_795_564_800_000),
            ("2026-11-24T06:00:00Z", 1_795_500_000_000), ("2026-11-24T07:00:00+01:00", 1_795_500_000_000),
            ("", nil), ("+", nil), ("+x", nil), ("5:49", nil), ("24:00", nil), ("tomorrow", nil), ("never", nil),
            ("+1e9", nil),
        ] as [(String, Int64?)])
    func times(text: String, moment: Int64?) {
        #expect(TimeText.moment(text, nowMs: Self.now, zone: .utc) == moment)
    }

    @Test(
        arguments: [
            ("10", 10_000), ("0", 0), ("1.5s", 1500), ("500ms", 500), ("2m", 120_000), ("2min", 120_000),
            ("1h", 3_600_000),
            ("1d", 86_400_000), ("0.0004", 0), ("", nil), ("s", nil), (".5s", nil), ("5.s", nil), ("1.2.3", nil),
            ("-1", nil),
            ("1 s", nil), ("10x", nil), ("99999999999999999999h", nil), ("٣s", nil),
        ] as [(String, Int64?)])
    func durations(text: String, milliseconds: Int64?) {
        #expect(TimeText.duration(text) == milliseconds)
    }

    @Test func aTimeOfDayIsTheLocalOne() throws {
        let moment = try #require(TimeText.moment("12:00", nowMs: Self.now, zone: .local))
        let civil = CivilTime(seconds: moment / 1000, zone: .local)
        #expect(civil.hour == 12 && civil.minute == 0 && civil.second == 0)
        #expect(moment > Self.now && moment <= Self.now + 90_000_000)
    }

    /// Any words: a command or a usage error of two lines.
    @Test func noWordsTrap() {
        var random = SplitMix(seed: 3)
        let words =
            CommandName.allCases.map(\.rawValue) + OptionName.allCases.map { "--" + $0.rawValue }
            + OptionName.allCases.map { "--\($0.rawValue)=" } + CacheCommandOptions.Action.allCases.map(\.rawValue)
            + ["", "-", "--", "---", "=", "--=", "-h", "p/r", "/", "3", "+3s", "12:00", "json", "é", "\u{0}", "--é=1"]
        for _ in 0..<20_000 {
            let arguments = (0..<random.below(7)).map { _ in words[random.below(words.count)] }
            do throws(UsageError) {
                _ = try parser.parse(arguments)
            } catch {
                #expect(error.description.split(separator: "\n").count == 2, "\(arguments)")
            }
        }
    }
}

struct HelpTextTests {
    @Test(arguments: [nil] + CommandName.allCases.map { $0 as CommandName? })
    func fitsIn80Columns(command: CommandName?) {
        let text = HelpText.text(command)
        #expect(text.hasSuffix("\n") && !text.contains("\n\n\n"))
        for line in text.split(separator: "\n") {
            #expect(line.count <= 80, "\(line)")
            #expect(!line.hasSuffix(" "))
        }
    }

    @Test func theTableIsWhole() {
        #expect(CommandTable.commands.map(\.name) == CommandName.allCases)
        for name in CommandName.allCases { #expect(CommandTable.specification(of: name).name == name) }
        for command in CommandTable.commands {
            #expect(Set(command.options.map(\.name)).count == command.options.count)
            let text = HelpText.text(command.name)
            for option in command.options { #expect(text.contains("  \(option.synopsis)")) }
            #expect(HelpText.text(nil).contains("  \(command.name.rawValue) "))
        }
    }

    @Test func theListOfRecords() {
        #expect(
            HelpText.text(.records) == """
                usage: schedhost records [OPTION]...

                Show the records of finished sessions.

                With --fleet those of all hosts of the running host's cluster: the newest 64 of
                each, also of hosts that have died, as each has put them into the cluster's
                store within a second or two. A large record is there without its stats. At most
                1000 are chosen from, and what is said of the view's age goes to standard error.

                options:
                  --plugin ID             only those of this plugin
                  --routine NAME          only those of routines of this name
                  --failed                only those of sessions that failed
                  --last N                only the newest N
                  --fleet                 those of all hosts of the cluster, as a running host
                                          reads them
                  --format FORMAT         the form, table by default: table, json or csv
                  --show SESSION          all of one record, and its crash report
                  --json                  the same as --format json, also with --show
                  --state DIR             where records and caches are kept; else
                                          $STATE_DIRECTORY, $XDG_STATE_HOME/schedhost or
                                          ~/.local/state/schedhost
                  -h, --help              show this

                examples:
                  schedhost records --failed --last 10
                      what went wrong of late
                  schedhost records --format json | jq '.[].reason.kind'
                      for other tools

                """)
    }
}

struct StateDirectoryTests {
    @Test(
        arguments: [
            ("o", ["STATE_DIRECTORY": "/s"], "o"), (nil, ["STATE_DIRECTORY": "/s:/t", "HOME": "/h"], "/s"),
            (nil, ["XDG_STATE_HOME": "/x", "HOME": "/h"], "/x/schedhost"),
            (nil, ["XDG_STATE_HOME": "x", "HOME": "/h", "STATE_DIRECTORY": ""], "/h/.local/state/schedhost"),
            (nil, [:], nil),
        ] as [(String?, [String: String], String?)])
    func path(option: String?, environment: [String: String], path: String?) {
        #expect(StateDirectory.path(option: option, environment: environment) == path)
    }
}

struct LogLevelTests {
    @Test(
        arguments: [
            (0, .trace), (5, .trace), (19, .debug), (20, .info), (27, .success), (50, .critical), (.max, .critical),
            (.min, .trace),
        ] as [(Int32, LogLevel)])
    func aNumberInBetweenIsTheLevelBelow(number: Int32, level: LogLevel) {
        #expect(LogLevel(number: number) == level)
    }
}

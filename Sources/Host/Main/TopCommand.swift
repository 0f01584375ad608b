internal import HostCommandLine
internal import HostSystem
internal import HostValues
internal import HostViews
internal import HostWire

/// `top`: shows the status live in a terminal.
enum TopCommand {
    private enum Source {
        static let keys: UInt64 = 1
        static let signals: UInt64 = 2
    }

    /// Shows the status until `q` is typed or a signal arrives.
    static func perform(_ options: TopOptions) throws -> ExitStatus {
        if options.isJSON { return try writeJSON(options) }
        guard StandardStream.output.isTerminal, StandardStream.isInputTerminal else {
            throw UsageError(
                command: .top, message: "wants a terminal: use schedhost status, or top --json, in a pipe")
        }
        let client = try HostClient(state: try Program.statePath(options.state))
        let signals = try SignalDescriptor([
            Signals.interrupt, Signals.terminate, Signals.hangup, Signals.windowChange, Signals.terminalStop,
        ])
        let poller = try Poller()
        try poller.add(signals.descriptor, for: .readable, token: Source.signals)
        var failure: (any Error)?
        if let screen = TerminalScreen() {
            do {
                try poller.add(screen.input, for: .readable, token: Source.keys)
                try show(TopScreen(key: options.key), on: screen, client, signals, poller, options)
            } catch {
                failure = error  // thrown after the terminal is restored
            }
        } else {
            StandardStream.error.write("schedhost top: this terminal cannot be taken over: use schedhost status\n")
            return .failure
        }
        if let failure { throw failure }
        return .success
    }

    /// Writes the status as JSON, once, or repeatedly, one line each, until the reader closes the output.
    private static func writeJSON(_ options: TopOptions) throws -> ExitStatus {
        let client = try HostClient(state: try Program.statePath(options.state))
        let clock = SystemClock()
        let poller = try Poller()
        var top = TopScreen(key: options.key)
        var next = clock.monotonic()
        while true {
            var status = try client.status()
            top.take(status)
            status.routines = top.sorted(status.routines)
            let isRead = StandardStream.output.write(status.json() + [UInt8(ascii: "\n")])
            if !options.isRepeated || !isRead { return .success }
            next = max(next + options.intervalMs * 1_000_000, clock.monotonic())
            while clock.monotonic() < next {
                let rest = Int32(clamping: (next - clock.monotonic()) / 1_000_000 + 1)
                _ = try poller.wait(milliseconds: rest) { _, _ in }
            }
        }
    }

    private static func show(
        _ first: TopScreen, on screen: borrowing TerminalScreen, _ client: HostClient,
        _ signals: borrowing SignalDescriptor, _ poller: borrowing Poller, _ options: TopOptions
    ) throws {
        let clock = SystemClock()
        let isColored = StandardStream.output.showsColors
        var top = first
        var next = clock.monotonic()
        while true {
            let now = clock.monotonic()
            if now >= next {
                top.take(try client.status())
                next = max(next + options.intervalMs * 1_000_000, now)
            }
            let size = screen.size
            StandardStream.output.write(top.frame(columns: size.columns, rows: size.rows, isColored: isColored))
            let rest = Int32(clamping: max(0, next - clock.monotonic()) / 1_000_000 + 1)
            var isGone = false
            _ = try poller.wait(milliseconds: rest) { _, readiness in
                if readiness.contains(.closed) { isGone = true }
            }
            guard !isGone, let keys = screen.keys() else { return }
            if top.type(keys) == .quit { return }
            while let signal = signals.next() {
                switch signal {
                case Signals.windowChange: StandardStream.output.write("\u{1B}[2J")
                case Signals.terminalStop:
                    screen.leave()
                    Signals.stopSelf()
                    screen.enter()
                default: return
                }
            }
        }
    }
}

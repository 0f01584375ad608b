internal import CPluginAPI

/// The host's log, with the seven levels. On any thread.
///
/// A text is only made when its level is shown. The host never makes a routine wait for its log: past the plugin's
/// rate an entry is dropped and counted; what is past 64 KiB is cut.
public struct Log: Sendable {
    let scheduler: Scheduler

    /// How much a line matters.
    public enum Level: Int32, Sendable, CaseIterable {
        /// Each small step.
        case trace = 5
        /// What helps to find a mistake.
        case debug = 10
        /// What happens.
        case info = 20
        /// What was achieved.
        case success = 25
        /// What somebody should look at.
        case warning = 30
        /// What went wrong.
        case error = 40
        /// What cannot go on.
        case critical = 50
    }

    /// Whether lines of this level are shown. A few nanoseconds.
    public func isEnabled(_ level: Level) -> Bool {
        guard let enabled = unsafe scheduler.table.log_enabled else { return false }
        return unsafe enabled(scheduler.pointer, level.rawValue) != 0
    }

    /// Logs a line at a level. Throws what making its text throws: `try log.info("best: \(prices().max())")`. A text that
    /// waits is made before: `let price = await best()`.
    public func callAsFunction(_ level: Level, _ text: @autoclosure () throws -> String) rethrows {
        guard isEnabled(level), let log = unsafe scheduler.table.log else { return }
        var text = try text()
        text.withUTF8 { bytes in
            unsafe bytes.withMemoryRebound(to: CChar.self) {
                unsafe log(scheduler.pointer, level.rawValue, $0.baseAddress, $0.count)
            }
        }
    }

    /// Logs at `trace`.
    public func trace(_ text: @autoclosure () throws -> String) rethrows { try self(.trace, text()) }
    /// Logs at `debug`.
    public func debug(_ text: @autoclosure () throws -> String) rethrows { try self(.debug, text()) }
    /// Logs at `info`.
    public func info(_ text: @autoclosure () throws -> String) rethrows { try self(.info, text()) }
    /// Logs at `success`.
    public func success(_ text: @autoclosure () throws -> String) rethrows { try self(.success, text()) }
    /// Logs at `warning`.
    public func warning(_ text: @autoclosure () throws -> String) rethrows { try self(.warning, text()) }
    /// Logs at `error`.
    public func error(_ text: @autoclosure () throws -> String) rethrows { try self(.error, text()) }
    /// Logs at `critical`.
    public func critical(_ text: @autoclosure () throws -> String) rethrows { try self(.critical, text()) }
}

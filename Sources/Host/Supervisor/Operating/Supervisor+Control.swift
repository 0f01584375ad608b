internal import HostCore
internal import HostSystem

/// What people ask of a running host.
extension Supervisor {
    func perform(_ order: ControlRequest) -> ControlResponse {
        switch order.action {
        case .status: .status(freshStatus())
        case .reload: reload()
        case .logLevel: setLogLevel(order.level)
        case .runNow, .pause, .resume, .restart, .stop: book.perform(order)
        }
    }

    /// Sets the level, or with nil only tells it.
    private func setLogLevel(_ level: LogLevel?) -> ControlResponse {
        guard let level else { return .level(log.level) }
        log.level = level
        fleet.setLogLevel(level.number)
        log.write(.info, "", "log level \(level.rawValue)")
        return .level(level)
    }

    /// Looks at the directory and the configurations again.
    private func reload() -> ControlResponse {
        let isDone = !isStopping
        if isDone { receive(Signals.hangup) }
        let text = isDone ? "plugins and configurations are looked at again" : "the host is stopping"
        return .outcomes([.init(id: "", isDone: isDone, text: text)])
    }
}

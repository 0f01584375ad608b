internal import HostCore
internal import HostSystem

/// What people ask of a running host.
extension Supervisor {
    func perform(_ order: ControlRequest) -> ControlResponse {
        switch order.action {
        case .status: .status(freshStatus())
        case .reload: reload()
        case .logLevel: setLogLevel(order.level)
        case .runNow: each(order) { runNow($0) }
        case .pause: each(order) { pause($0) }
        case .resume: each(order) { resume($0) }
        case .restart: each(order) { restart($0) }
        case .stop: each(order) { stop($0) }
        }
    }

    private typealias Outcome = (isDone: Bool, text: String)

    private func each(_ request: ControlRequest, _ body: (RoutineEntry) -> Outcome) -> ControlResponse {
        if isStopping { return .failed("the host is stopping") }
        do throws(RoutineSelection.Unknown) {
            let present = routines.values.filter { $0.plugin.state != .removed }
            let chosen = try RoutineSelection.resolve(request.identifiers, among: present.map(\.identifier))
            var outcomes: [ControlResponse.Outcome] = []
            for identifier in chosen {
                guard let routine = present.first(where: { $0.identifier == identifier }) else { continue }
                let outcome = body(routine)
                log.write(.info, identifier, "\(request.action.rawValue) by a person: \(outcome.text)")
                outcomes.append(.init(id: identifier, isDone: outcome.isDone, text: outcome.text))
            }
            return .outcomes(outcomes)
        } catch {
            return .failed("\(error)")
        }
    }

    // MARK: Each request

    private func runNow(_ routine: RoutineEntry) -> Outcome {
        if routine.isPaused { return (false, "it is paused: resume it first") }
        if let session = routine.session {
            if session.endAs != nil { return (false, "its session is about to end") }
            session.worker.send(.runNow(slot: session.slot))
            return (true, "its next cycle comes now")
        }
        switch routine.policy.state {
        case .waiting:
            tell(routine, .resumed)
            return (true, "a new session begins now")
        case .starting, .running, .ending: return (true, "a session is about to begin")
        case .idle, .complete, .stopped: return (false, "it has no session: restart it")
        case .quarantined: return (false, "it is quarantined: resume it")
        }
    }

    private func pause(_ routine: RoutineEntry) -> Outcome {
        if routine.isPaused { return (true, "was paused already") }
        switch routine.policy.state {
        case .stopped, .quarantined, .complete: return (false, "it has no session to pause")
        case .idle, .waiting, .starting, .running, .ending: break
        }
        routine.isPaused = true
        hasNewTallies = true
        if let session = routine.session { session.worker.send(.pause(slot: session.slot)) }
        return (true, "paused")
    }

    private func resume(_ routine: RoutineEntry) -> Outcome {
        let wasPaused = routine.isPaused
        routine.isPaused = false
        hasNewTallies = hasNewTallies || wasPaused
        if let session = routine.session, wasPaused { session.worker.send(.resume(slot: session.slot)) }
        switch routine.policy.state {
        case .starting, .running, .ending: return (true, wasPaused ? "resumed" : "was running already")
        case .idle, .complete, .stopped, .waiting: break
        case .quarantined:
            tell(routine, .resumed)
            return (true, "no longer quarantined")
        }
        tell(routine, .resumed)
        return (true, "a new session begins")
    }

    private func restart(_ routine: RoutineEntry) -> Outcome {
        hasNewTallies = hasNewTallies || routine.isPaused
        routine.isPaused = false
        if routine.session != nil {
            tell(routine, .restartRequested)
            endSession(of: routine, as: .stopped, "restarted by a person")
            return (true, "its session ends, and a new one begins")
        }
        switch routine.policy.state {
        case .starting, .running, .ending: return (true, "a session is about to begin")
        case .idle, .complete, .stopped, .waiting, .quarantined:
            tell(routine, .restartRequested)
            return (true, "a new session begins")
        }
    }

    private func stop(_ routine: RoutineEntry) -> Outcome {
        let wasPending = routine.isStartPending
        let wasStopped = routine.policy.state == .stopped && routine.session == nil
        tell(routine, .stopRequested)
        endSession(of: routine, as: .stopped, "stopped by a person")
        if routine.session != nil { return (true, "its session ends, and it stays stopped") }
        if wasPending { tell(routine, .startFailed(.host, cause: "stopped before it began")) }
        if let worker = workers[key(for: routine)] { retire(worker, ifUnused: true) }
        return (true, wasStopped ? "was stopped already" : "stays stopped")
    }

    /// Sets the level, or with nil only tells it.
    private func setLogLevel(_ level: LogLevel?) -> ControlResponse {
        guard let level else { return .level(log.level) }
        log.level = level
        for worker in workers.values { worker.send(.logLevel(level.number)) }
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

internal import HostCore
internal import HostSystem

/// What people ask of a running host.
extension Supervisor {
    /// The answer to one request, as a line.
    func answer(_ request: ControlRequest) -> [UInt8] {
        switch request.action {
        case .status:
            let now = clock.monotonic()
            if let known = operation.statusLine, now - known.made < Operation.freshness { return known.bytes }
            let line = ControlResponse.status(status()).line()
            operation.statusLine = (now, line)
            return line
        case .reload: return perform { reload() }
        case .logLevel:
            if let level = request.level { setLogLevel(level) }
            return ControlResponse.level(log.level).line()
        case .runNow: return each(request) { runNow($0) }
        case .pause: return each(request) { pause($0) }
        case .resume: return each(request) { resume($0) }
        case .restart: return each(request) { restart($0) }
        case .stop: return each(request) { stop($0) }
        }
    }

    private typealias Outcome = (isDone: Bool, text: String)

    private func perform(_ body: () -> Outcome) -> [UInt8] {
        operation.forget()
        let outcome = body()
        return ControlResponse.outcomes([.init(id: "", isDone: outcome.isDone, text: outcome.text)]).line()
    }

    private func each(_ request: ControlRequest, _ body: (RoutineEntry) -> Outcome) -> [UInt8] {
        if isStopping { return ControlResponse.failed("the host is stopping").line() }
        operation.forget()
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
            return ControlResponse.outcomes(outcomes).line()
        } catch {
            return ControlResponse.failed("\(error)").line()
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

    private func setLogLevel(_ level: LogLevel) {
        log.level = level
        for worker in workers.values { worker.send(.logLevel(level.number)) }
        log.write(.info, "", "log level \(level.rawValue)")
    }

    /// Looks at the directory and the configurations again.
    private func reload() -> Outcome {
        if isStopping { return (false, "the host is stopping") }
        receive(Signals.hangup)
        return (true, "plugins and configurations are looked at again")
    }
}

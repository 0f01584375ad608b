internal import HostPolicy
internal import HostValues
internal import HostWire

/// Performs people's orders about routines: each is an event for the routine's policy, a command to its session, or
/// both.
struct RoutineOrders {
    let book: RoutineBook

    /// Whether the order was performed, and the answer.
    typealias Outcome = (isDone: Bool, text: String)

    /// Performs an order for the named routines; without names, for all. Orders that do not concern routines are
    /// ignored.
    func perform(_ order: ControlRequest) -> ControlResponse {
        if book.isStopping { return .failed("the host is stopping") }
        do throws(RoutineSelection.Unknown) {
            let present = book.routines.values.filter { !$0.owner.isRetired }
            let chosen = try RoutineSelection.resolve(order.identifiers, among: present.map(\.identifier))
            let byName = Dictionary(present.map { ($0.identifier, $0) }) { first, _ in first }
            var outcomes: [ControlResponse.Outcome] = []
            for identifier in chosen {
                guard let routine = byName[identifier], let outcome = perform(order.action, on: routine) else {
                    continue
                }
                book.log.write(.info, identifier, "\(order.action.rawValue) by a person: \(outcome.text)")
                outcomes.append(.init(id: identifier, isDone: outcome.isDone, text: outcome.text))
            }
            // Saved before the answer, so that the person can rely on it even if this host dies.
            if let fault = book.saveTallies() {
                outcomes = outcomes.map { outcome in
                    .init(
                        id: outcome.id, isDone: false,
                        text: outcome.text + "; but the next host will not know of it: \(fault)")
                }
            }
            return .outcomes(outcomes)
        } catch {
            return .failed("\(error)")
        }
    }

    /// The routines named by these ids of plugins and routines, each as the plugin's number and the routine's position;
    /// without ids, all routines. Unknown ids are ignored.
    func places(of identifiers: [String]) -> [(plugin: Int, routine: Int)] {
        book.routines.values.filter { routine in
            identifiers.isEmpty || identifiers.contains { RoutineSelection.isMeant(routine.identifier, by: $0) }
        }
        .map { ($0.owner.program.number, $0.index) }
    }

    private func perform(_ action: ControlRequest.Action, on routine: RoutineEntry) -> Outcome? {
        if !routine.settings.isEnabled { return (false, "it is disabled: its configuration says enabled: false") }
        return switch action {
        case .runNow: runNow(routine)
        case .pause: pause(routine)
        case .resume: resume(routine)
        case .restart: restart(routine)
        case .stop: stop(routine)
        case .status, .reload, .logLevel, .dropCached, .logs, .drain, .undrain, .move, .fleet,
            .clearShared:
            nil
        }
    }

    private func runNow(_ routine: RoutineEntry) -> Outcome {
        if routine.isPaused { return (false, "it is paused: resume it first") }
        if let session = routine.session {
            if session.endAs != nil { return (false, "its session is about to end") }
            book.actions.append(.send(.runNow(slot: session.seat.slot), session.seat))
            if let watched = routine.watched { book.hangs.asked(watched, now: true) }
            return (true, "its next cycle comes now")
        }
        switch routine.policy.state {
        case .waiting:
            book.tell(routine, .resumed)
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
        book.setPaused(routine, true)
        if let session = routine.session { book.actions.append(.send(.pause(slot: session.seat.slot), session.seat)) }
        return (true, "paused")
    }

    private func resume(_ routine: RoutineEntry) -> Outcome {
        let wasPaused = routine.isPaused
        book.setPaused(routine, false)
        if let session = routine.session, wasPaused {
            book.actions.append(.send(.resume(slot: session.seat.slot), session.seat))
            if let watched = routine.watched { book.hangs.asked(watched, now: false) }
        }
        switch routine.policy.state {
        case .starting, .running, .ending: return (true, wasPaused ? "resumed" : "was running already")
        case .idle, .complete, .stopped, .waiting: break
        case .quarantined:
            book.tell(routine, .resumed)
            return (true, "no longer quarantined")
        }
        book.tell(routine, .resumed)
        return (true, "a new session begins")
    }

    private func restart(_ routine: RoutineEntry) -> Outcome {
        book.setPaused(routine, false)
        if routine.session != nil {
            book.tell(routine, .restartRequested)
            book.endSession(of: routine, as: .stopped, "restarted by a person")
            return (true, "its session ends, and a new one begins")
        }
        switch routine.policy.state {
        case .starting, .running, .ending: return (true, "a session is about to begin")
        case .idle, .complete, .stopped, .waiting, .quarantined:
            book.tell(routine, .restartRequested)
            return (true, "a new session begins")
        }
    }

    private func stop(_ routine: RoutineEntry) -> Outcome {
        let wasPending = routine.isStartPending
        let wasStopped = routine.policy.state == .stopped && routine.session == nil
        book.tell(routine, .stopRequested)
        book.endSession(of: routine, as: .stopped, "stopped by a person")
        if routine.session != nil { return (true, "its session ends, and it stays stopped") }
        if wasPending { book.tell(routine, .startFailed(.host, cause: "stopped before it began")) }
        book.actions.append(.release(routine.place))
        return (true, wasStopped ? "was stopped already" : "stays stopped")
    }
}

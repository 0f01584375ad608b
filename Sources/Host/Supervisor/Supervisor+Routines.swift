internal import HostCore
internal import HostSystem

/// What the routines want done, and what becomes of their records.
extension Supervisor {
    func perform(_ action: RoutineBook.Action) {
        switch action {
        case .start(let start): begin(start)
        case .send(let command, let seat): fleet.send(command, to: seat)
        case .endOverdue(let seat, let identifier, let say):
            if fleet.overdue(seat) { log.write(.warning, identifier, say) }
        case .endHung(let seat, let thread, let identifier, let say):
            if fleet.hang(seat, thread: thread) { log.write(.error, identifier, say) }
        case .release(let key): fleet.release(key)
        case .record(let record, let report): keep(record, report)
        case .dropReport(let report): crashReports.drop(report)
        case .quarantined(let identifier, let why): quarantined(identifier, why)
        }
    }

    /// Begins a session in a worker that has its plugin, or has one load it first.
    private func begin(_ start: RoutineBook.Start) {
        guard let id = book.opening(start.routine) else { return }
        let worker: WorkerID
        do throws(SystemError) {
            guard case .ready(let present) = try fleet.prepare(start.load) else { return }
            worker = present
        } catch {
            return book.couldNotBegin(start.routine, "no worker: \(error)")
        }
        do throws(SystemError) {
            let seat = try fleet.seat(id, plugin: start.load.plugin, routine: start.index, in: worker)
            guard let session = book.begin(start.routine, id, in: seat) else { return fleet.unseat(id, seat) }
            do throws(SystemError) {
                try keeper.open(session)
            } catch {
                fleet.unseat(id, seat)
                throw error
            }
            let identifier = session.plugin + "/" + session.routine
            book.began(
                start.routine,
                RoutineBook.Past(cycles: keeper.lifetimeCycles(of: identifier), end: keeper.lastEnd(of: identifier)))
        } catch {
            book.couldNotBegin(start.routine, "no session: \(error)")
        }
    }

    /// Keeps a record, and tells those who are told of each.
    private func keep(_ finished: SessionRecord, _ report: String?) {
        var record = finished
        if let report {
            do throws(SystemError) {
                record.report = try crashReports.keep(report, of: record.plugin, session: record.session)
            } catch {
                record.report = nil
                log.write(.warning, record.plugin, "its crash report is lost: \(error)")
            }
        }
        desk.sessionEnds(record.identifier)
        let line = keeper.keep(record)
        desk.take(line)
        guard record.reason.kind.isFailure else { return }
        hasFailed = true
        callFailureHook(line)
    }

    /// Runs the configured command for a routine that was shut out, with its last record and why.
    private func quarantined(_ identifier: String, _ why: String) {
        hasFailed = true
        guard var record = keeper.last(of: identifier) else { return }
        record.reason.kind = .quarantined
        record.reason.text = why
        callFailureHook(RecordLine(record))
    }

    private func callFailureHook(_ line: RecordLine) {
        let record = line.record
        let plugin = plugins.values.first { $0.name == record.plugin && $0.state != .removed }
        guard
            let settings = book.settings(of: record.identifier) ?? plugin.map({ settingsBeforeDescription(of: $0) })
        else { return }
        desk.run(
            FailureHook.Command(words: settings.onFailureCommand, timeoutMs: settings.onFailureTimeoutMs), for: line)
    }
}

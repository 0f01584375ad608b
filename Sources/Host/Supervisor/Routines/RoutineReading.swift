internal import HostPolicy
internal import HostStore
internal import HostSystem
internal import HostValues
internal import HostWire

extension RoutineBook {
    /// The status of all routines, ordered by id; `lifetime` returns a routine's total cycles over all records.
    func status(lifetime: @escaping (String) -> UInt64) -> [RoutineStatus] {
        let reading = RoutineReading(book: self, ledgers: ledgers, clock: clock, lifetime: lifetime)
        // While a plugin is replaced, the old and the new entry of a routine coexist; the status combines them.
        return Dictionary(grouping: routines.values) { $0.identifier }
            .sorted { NaturalOrder.precedes($0.key, $1.key) }
            .map(\.value)
            .filter { entries in entries.contains { !$0.owner.isRetired || $0.session != nil } }
            .map { reading.status(of: $0) }
    }

    /// The status of one routine, and how many routines have a session in its worker; nil if there is none with that
    /// name. It costs little however many routines there are.
    func status(
        of plugin: String, _ name: String, lifetime: @escaping (String) -> UInt64
    ) -> (routine: RoutineStatus, sharing: Int)? {
        let entries = routines.values.filter {
            $0.name == name && $0.program.name == plugin && (!$0.owner.isRetired || $0.session != nil)
        }
        if entries.isEmpty { return nil }
        let reading = RoutineReading(book: self, ledgers: ledgers, clock: clock, lifetime: lifetime)
        let status = reading.status(of: entries)
        let sharing = status.worker.map { pid in running.values.count { $0.session?.seat.pid == pid } } ?? 0
        return (status, sharing)
    }

    /// Whether a routine that has an end is in a session.
    var hasProgress: Bool { !census.withProgress.isEmpty }

    /// The status of such routines, at most `most` of them.
    func progress(most: Int, lifetime: @escaping (String) -> UInt64) -> [RoutineStatus] {
        let reading = RoutineReading(book: self, ledgers: ledgers, clock: clock, lifetime: lifetime)
        return census.withProgress.sorted().prefix(most).compactMap { routines[$0] }.map { reading.status(of: [$0]) }
    }

    /// The number of routines, the number in a session, and the ids of the quarantined ones.
    var tally: (routines: Int, running: Int, quarantined: [String]) {
        (routines.count, running.count, census.quarantined.compactMap { routines[$0]?.identifier })
    }
}

/// Reads the status of routines from the book and from the ledgers, so that workers are not disturbed.
struct RoutineReading {
    let book: RoutineBook
    let ledgers: any LedgerSource
    let clock: any HostClock
    /// Returns a routine's total cycles over all its records.
    let lifetime: (String) -> UInt64

    /// The status of all entries with one id: that of the newest entry, plus the counts of older entries' sessions.
    func status(of entries: [RoutineEntry]) -> RoutineStatus {
        guard let routine = entries.max(by: { Self.rank($0) < Self.rank($1) }) else {
            return RoutineStatus(plugin: "", routine: "", state: .idle)
        }
        var status = status(of: routine)
        for other in entries where other !== routine && other.session != nil {
            status.sessionsTotal = status.sessionsTotal.clampedPlus(1)
            guard let (snapshot, counts) = reading(of: other) else { continue }
            addTotals(snapshot, counts, to: &status)
            if let pid = other.session?.seat.pid, routine.session == nil {
                status.cache = (book.totals[routine.identifier] ?? RoutineTotals()).cache(
                    counts.cache, worker: pid)
            } else {
                status.cache = status.cache.adding(counts.cache)
            }
        }
        return status
    }

    private static func rank(_ routine: RoutineEntry) -> (Int, Int) {
        (routine.owner.isRetired ? 0 : 1, routine.key)
    }

    /// The ledger's content about the entry's session; nil if it cannot be read or belongs to another session. If the
    /// plugin has overwritten the slot, it is read from the replica, without histograms.
    private func reading(of routine: RoutineEntry) -> (LedgerSnapshot, LedgerCounts)? {
        guard let session = routine.session, let bytes = ledgers.slotBytes(session.seat) else { return nil }
        let snapshot = LedgerReader.snapshot(bytes.slot)
        if snapshot.session == session.id.rawValue { return (snapshot, LedgerCounts(bytes)) }
        guard let replica = ledgers.snapshot(session.seat), replica.session == session.id.rawValue else {
            return nil
        }
        return (replica, LedgerCounts(.unused))
    }

    private func status(of routine: RoutineEntry) -> RoutineStatus {
        let totals = book.totals[routine.identifier] ?? RoutineTotals()
        var status = RoutineStatus(plugin: routine.program.name, routine: routine.name, state: .idle)
        status.maxCycles = routine.settings.maxCycles
        status.untilMs = routine.untilMs
        status.waitMs = routine.settings.waitMs
        status.schedules = routine.settings.timing.schedules
        status.sessionsTotal = totals.sessions
        status.failedSessionsTotal = totals.failedSessions
        status.cyclesTotal = totals.cycles
        status.failuresTotal = totals.failures
        status.missedTotal = totals.missed
        status.durationTotalNs = totals.duration
        status.durations = totals.durations
        status.lateness = totals.lateness
        status.lifetimeCycles = lifetime(routine.identifier)
        status.cache = totals.cache(nil, worker: nil)
        setState(&status, of: routine)
        status.leaseToken = routine.claim.flatMap { book.leases.gate.grant(of: $0, at: clock.boot())?.token }
        if routine.session == nil { status.cycle = totals.lastCycles }
        guard let session = routine.session else { return status }
        status.session = session.id
        status.sessionStartMs = session.startMs
        status.worker = session.seat.pid
        status.sessionsTotal = status.sessionsTotal.clampedPlus(1)
        guard let (snapshot, counts) = reading(of: routine) else { return status }
        status.cache = totals.cache(counts.cache, worker: session.seat.pid)
        addTotals(snapshot, counts, to: &status)
        add(snapshot, counts, to: &status, of: routine)
        return status
    }

    private func addTotals(_ snapshot: LedgerSnapshot, _ counts: LedgerCounts, to status: inout RoutineStatus) {
        status.cyclesTotal = status.cyclesTotal.clampedPlus(snapshot.cycle)
        status.failuresTotal = status.failuresTotal.clampedPlus(snapshot.failures)
        status.missedTotal = status.missedTotal.clampedPlus(snapshot.missed)
        status.durationTotalNs = status.durationTotalNs.clampedPlus(counts.totalDuration)
        status.lifetimeCycles = status.lifetimeCycles.clampedPlus(snapshot.cycle)
        status.durations.add(counts.durations)
        status.lateness.add(counts.lateness)
    }

    private func add(
        _ snapshot: LedgerSnapshot, _ counts: LedgerCounts, to status: inout RoutineStatus, of routine: RoutineEntry
    ) {
        status.cycle = snapshot.cycle
        status.longestNs = counts.longest
        if counts.durations.total > 0 { status.lastDurationNs = counts.lastDuration }
        status.lastStartMs = wallMs(boot: snapshot.began)
        guard routine.session?.endAs == nil, routine.policy.state != .ending else { return }
        defer {
            // The first good cycle ends the series of failures; the policy learns of it a little later.
            if snapshot.goodCycles == 0, snapshot.state != .ended, !routine.isPaused {
                explainTrouble(&status, of: routine)
            }
        }
        if snapshot.isInPlugin {
            status.state = .running
            status.phase = snapshot.phase?.word
        } else if snapshot.state == .ended {
            status.state = .ending
        } else if routine.isPaused {
            status.state = .paused
        } else {
            status.state = .waiting
            status.nextStartMs = wallMs(boot: snapshot.due)
            addPlan(snapshot, to: &status, of: routine)
        }
    }

    /// Sets when a routine is due that goes by the wall clock, in the intended time zone.
    private func addPlan(_ snapshot: LedgerSnapshot, to status: inout RoutineStatus, of routine: RoutineEntry) {
        let timing = routine.settings.timing
        if timing.isPlain || snapshot.cycle == 0 && timing.beginsNow { return }
        // Untrusted: a plugin can write to the ledger.
        guard (1..<7_500_000_000_000).contains(snapshot.wallDue) else {
            if !timing.schedules.isEmpty { status.nextStartMs = nil }
            return
        }
        status.nextStartMs = snapshot.wallDue
        guard let text = timing.schedules.first else { return }
        let named = (try? ScheduleText(text, isZone: TimeZones.has))?.zone ?? timing.zone
        guard let zone = try? TimeZoneCache.shared.zone(named, boot: clock.boot(), wall: clock.wall()) else { return }
        status.zone = zone.name
        let seconds = snapshot.wallDue / 1000
        status.nextLocal = LocalText.format(seconds, offset: zone.rules.offset(at: seconds))
    }

    /// Sets the state as far as policy and session determine it.
    private func setState(_ status: inout RoutineStatus, of routine: RoutineEntry) {
        if routine.session != nil {
            status.state = routine.session?.endAs != nil || !routine.policy.isAlive ? .ending : .starting
            if routine.policy.state == .ending { status.state = .ending }
            return
        }
        switch routine.policy.state {
        case .idle: status.state = routine.settings.isEnabled ? .idle : .disabled
        case .complete: status.state = .complete
        case .stopped: status.state = .stopped
        case .waiting(let until):
            status.state = .backingOff
            status.nextStartMs = wallMs(monotonic: until)
            explainTrouble(&status, of: routine)
        case .starting, .running: status.state = book.mustWait(routine) ? .standby : .starting
        case .ending: status.state = .ending
        case .quarantined:
            status.state = .quarantined
            status.why = routine.policy.quarantine?.why
            status.nextStartMs = routine.policy.quarantine?.probeAt.map { wallMs(monotonic: $0) } ?? nil
        }
    }

    /// Explains the present trouble. Errors are a state of their own, even while the next attempt runs.
    private func explainTrouble(_ status: inout RoutineStatus, of routine: RoutineEntry) {
        guard let trouble = routine.policy.trouble else { return }
        switch trouble.fault {
        case .error: status.state = .failing
        case .death, .host: if routine.session != nil { return }
        }
        status.why = trouble.cause
        status.failingSinceMs = wallMs(monotonic: trouble.since)
        status.failuresInRow = UInt64(trouble.count)
    }

    /// Converts a time of the boot clock to UTC ms; nil for `never`, and for implausible values.
    private func wallMs(boot time: BootTime) -> Int64? {
        guard time.nanoseconds > 0, time.nanoseconds < 1 << 60 else { return nil }
        return clock.wallMilliseconds() + (time - clock.boot()) / 1_000_000
    }

    private func wallMs(monotonic time: MonotonicTime) -> Int64? {
        guard time.nanoseconds > 0, time.nanoseconds < 1 << 60 else { return nil }
        return clock.wallMilliseconds() + (time - clock.monotonic()) / 1_000_000
    }
}

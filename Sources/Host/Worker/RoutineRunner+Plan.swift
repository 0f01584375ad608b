internal import HostCore
internal import HostSystem
internal import Synchronization

/// Cycles that come by a calendar, or on a grid of the wall clock.
extension RoutineRunner {
    /// What a session goes by; returns why it cannot begin.
    func makePlan(_ timing: RoutineTiming, waitMs: UInt64, wall: Int64) -> String? {
        self.timing = timing
        plan = nil
        planLookedAt = clock.boot()
        if !timing.schedules.isEmpty {
            do throws(TimeZones.Failure) {
                plan = RoutinePlan(try calendar(wall), timing, wall: wall)
            } catch {
                return "its schedule: \(error)"
            }
        } else if timing.aligns, waitMs > 0 {
            plan = RoutinePlan(waitMs: Int64(clamping: waitMs), offsetMs: timing.alignOffsetMs, wall: wall)
        }
        return nil
    }

    private func calendar(_ wall: Int64) throws(TimeZones.Failure) -> CalendarSchedule {
        let boot = clock.boot()
        return try timing.schedule(
            routine: "\(plugin.id)/\(name)",
            zone: { (name) throws(TimeZones.Failure) in
                try ZoneShelf.shared.zone(name, boot: boot, wall: wall) { self.say($0) }.rules
            }, isZone: { TimeZones.has($0) })
    }

    /// A line of the host's in the log.
    private func say(_ text: String) {
        plugin.channel.log(
            WorkerEvent.Log(
                plugin: plugin.number, routine: index < 0 ? nil : index, level: LogLevel.warning.number, text: text,
                ms: clock.wallMilliseconds()))
    }

    /// What comes next by the plan.
    func followPlan(_ now: Int64) -> Schedule.Action {
        let wall = clock.wall()
        if now - planLookedAt >= ZoneShelf.patience, plan?.calendar != nil {
            planLookedAt = now
            if let calendar = try? calendar(wall) { plan?.take(calendar, wall: wall) }
        }
        let waitMs = unsafe cell.pointee.schedule.wait / 1_000_000
        let step = plan?.step(wall: wall, waitMs: waitMs) ?? .over
        let action = unsafe cell.pointee.schedule.follow(step, now: now, wall: wall)
        unsafe ledger.pointee.missed.store(cell.pointee.schedule.missed, ordering: .relaxed)
        noteNext()
        return action
    }

    /// Puts the next time into the ledger: the wall clock's, since the other one goes apart from it over hours.
    func noteNext() {
        unsafe ledger.pointee.wallDue.store(plan?.nextMs ?? 0, ordering: .relaxed)
    }

    /// When the first cycle comes, if not at once. To be called when the session is about to begin its cycles.
    func delayFirst() {
        if timing.beginsNow { return }
        let now = clock.boot()
        let wait = unsafe cell.pointee.schedule.wait
        guard plan == nil else { return }
        switch timing.first {
        case .afterWait: unsafe cell.pointee.schedule.delayFirst(to: now.clampedPlus(wait))
        case .due:
            guard let last = timing.lastRunMs else { return }
            // A last cycle in the future is of a clock that was wrong.
            let passed = max(0, clock.wall().clampedMinus(last.clampedTimes(1_000_000)))
            unsafe cell.pointee.schedule.delayFirst(to: now.clampedPlus(max(0, wait - passed)))
        case .now, nil: break
        }
    }
}

internal import CPluginAPI
internal import HostPolicy
internal import HostSystem
internal import HostValues

/// What a plugin is told when it asks where its routine stands, in memory of the thread that runs the callback.
///
/// It is made when the plugin asks, and not kept for each routine: a worker may have 100 000 of them, and few are in a
/// callback at the same time. A thread is in one callback at a time, so what it was told stays until that returns.
///
/// No value of this type is made: it is a view of the thread's block, whose zeros at first are a place of no cell.
@safe struct CallbackPlace {
    private var place: schedhost_place
    /// The session's id as a C string.
    private var sessionText: InlineArray<14, CChar>
    /// Whose place it is: what does not change in a session is filled in once for callbacks that follow each other.
    private var cell: UnsafeMutablePointer<RoutineCell>?
    private var session: SessionID

    /// The name and the session of the plugin's own scope.
    private static let noText = CText("")

    /// Where the routine of that cell stands, whose callback runs on this thread.
    static func of(_ cell: UnsafeMutablePointer<RoutineCell>) -> UnsafePointer<schedhost_place> {
        let own = unsafe Thread.block.assumingMemoryBound(to: CallbackPlace.self)
        unsafe own.pointee.fill(cell)
        return unsafe withUnsafePointer(to: &own.pointee.place) { place in unsafe place }
    }

    @inline(__always)
    private mutating func fill(_ cell: UnsafeMutablePointer<RoutineCell>) {
        let cycle = unsafe cell.pointee.schedule.cycle
        // In the first cycle anyway, as in the plugin's own scope, which has no session to be told apart by.
        if unsafe cycle == 0 || self.cell != cell || session != cell.pointee.ledger.session { unsafe begin(cell) }
        unsafe place.cycle = cycle
        unsafe place.attempt = unsafe cell.pointee.schedule.attempt
        unsafe place.missed = unsafe cell.pointee.schedule.missed
        unsafe place.due_ms = unsafe cell.pointee.schedule.isPlanned ? cell.pointee.runner.times.cycleMs : 0
    }

    /// Fills in what does not change in a session.
    @inline(never)
    private mutating func begin(_ cell: UnsafeMutablePointer<RoutineCell>) {
        let runner = unsafe cell.pointee.runner
        unsafe self.cell = unsafe cell
        session = unsafe cell.pointee.ledger.session
        unsafe place.struct_size = UInt32(MemoryLayout<schedhost_place>.size)
        unsafe place.plugin = unsafe runner.plugin.idText.pointer
        unsafe place.lifetime_cycles = runner.session.lifetimeCycles
        unsafe place.session_before = runner.session.before
        unsafe place.lease_token = runner.session.leaseToken
        unsafe place.shard = UInt32(clamping: runner.session.shard?.index ?? 0)
        unsafe place.shards = UInt32(clamping: runner.session.shard?.count ?? 1)
        guard unsafe cell.pointee.hasSession else {
            unsafe place.routine = unsafe Self.noText.pointer
            unsafe place.session_start_ms = 0
            unsafe place.session = unsafe Self.noText.pointer
            return
        }
        unsafe place.routine = unsafe runner.callbacks.name
        unsafe place.session_start_ms = runner.session.startMs
        let id = runner.session.id
        for position in 0..<SessionID.length {
            sessionText[position] = CChar(bitPattern: id.character(at: position))
        }
        unsafe place.session = unsafe withUnsafePointer(to: &sessionText) { text in
            unsafe UnsafeRawPointer(text).assumingMemoryBound(to: CChar.self)
        }
    }
}

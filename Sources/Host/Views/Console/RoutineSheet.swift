public import HostValues
public import HostWire

/// One routine as the page opens it: its part of the status, and the paragraph of `why`. Pure.
public struct RoutineSheet {
    private let status: HostStatus
    private let explanation: RoutineExplanation
    private let sharing: Int

    /// Makes the sheet of a routine. `status` has no other routine, `sharing` is the number of routines with a session
    /// in its worker, and `last` the record of its last session, if there is one.
    public init(_ routine: RoutineStatus, at status: HostStatus, sharing: Int, last: SessionRecord?) {
        self.status = status
        self.sharing = sharing
        explanation = RoutineExplanation(routine, at: status, last: last)
    }

    /// The sheet as one JSON object: `status` as in `/status.json`, reduced to this routine, `why` and `sharing`.
    public func json() -> [UInt8] {
        var writer = JSONWriter()
        writer.open()
        writer.field("status", json: status.json())
        writer.field("why", explanation.text, limit: 8192)
        writer.field("sharing", sharing)
        writer.close()
        return writer.bytes
    }
}

internal import HostSystem
internal import HostWire

/// Which routine has which slot in a worker's ledger, and how many the file has room for.
struct LedgerPlaces {
    /// The slots of each plugin's routines, by their numbers in the plugin; `none` where a routine has no slot. A worker may
    /// have 100 000 routines.
    private var slots: [Int: [Int32]] = [:]
    private var taken = 0
    private var room = 0

    private static let none: Int32 = -1

    /// The slot of a routine, the next one that is free where it has none; nil when there is none. `lengthen` makes room in
    /// the file, from so many to so many.
    mutating func slot(
        plugin: Int, routine: Int, lengthen: (Int, Int) throws(SystemError) -> Void
    ) throws(SystemError) -> Int? {
        if let known = slots[plugin], known.indices.contains(routine), known[routine] != Self.none {
            return Int(known[routine])
        }
        let slot = taken
        guard slot < LedgerSlot.mostInFile, routine >= 0, routine < LedgerSlot.mostInFile else { return nil }
        if slot >= room {
            let wanted = max(8, room * 2)
            try lengthen(room, wanted)
            room = wanted
        }
        taken += 1
        Self.note(slot, of: routine, in: &slots[plugin, default: []])
        return slot
    }

    private static func note(_ slot: Int, of routine: Int, in slots: inout [Int32]) {
        if slots.count <= routine { slots += repeatElement(none, count: routine + 1 - slots.count) }
        slots[routine] = Int32(slot)
    }
}

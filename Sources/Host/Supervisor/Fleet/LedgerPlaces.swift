internal import HostSystem
internal import HostWire

/// Which routine has which slot in a worker's ledger, and how many the file has room for.
struct LedgerPlaces {
    private struct Routine: Hashable {
        let plugin: Int
        let number: Int
    }

    private var slots: [Routine: Int] = [:]
    private var room = 0

    /// The slot of a routine, the next one that is free where it has none; nil when there is none. `lengthen` makes room in
    /// the file, from so many to so many.
    mutating func slot(
        plugin: Int, routine: Int, lengthen: (Int, Int) throws(SystemError) -> Void
    ) throws(SystemError) -> Int? {
        let key = Routine(plugin: plugin, number: routine)
        if let slot = slots[key] { return slot }
        let slot = slots.count
        guard slot < LedgerSlot.mostInFile else { return nil }
        if slot >= room {
            let wanted = max(8, room * 2)
            try lengthen(room, wanted)
            room = wanted
        }
        slots[key] = slot
        return slot
    }
}

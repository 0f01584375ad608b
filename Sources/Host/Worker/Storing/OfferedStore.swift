internal import CPluginAPI

/// The store that a plugin offers: its table of functions, copied and checked.
@safe struct OfferedStore: @unchecked Sendable {
    // @unchecked: the table is immutable and lives as long as the process.
    let table: schedhost_store
    /// How many conditions, and how many writes, one commit may have.
    let most: Int

    /// What is wrong with a table.
    struct Fault: Error {
        let text: String
    }

    /// The store of a plugin. Throws a sentence for its author if the plugin offers none, or one that cannot be used.
    init(of plugin: schedhost_plugin) throws(Fault) {
        guard let answer = unsafe plugin.extension, let found = unsafe answer(SCHEDHOST_STORE_ID) else {
            throw Fault(text: "it offers no store: its extension does not answer to \(SCHEDHOST_STORE_ID)")
        }
        let size = Int(unsafe found.load(as: UInt32.self))
        let least = unsafe MemoryLayout<schedhost_store>.offset(of: \.watch) ?? 0
        guard size >= least else {
            throw Fault(text: "store.struct_size is \(size), at least \(least): begin it with SCHEDHOST_SIZED")
        }
        var table = unsafe schedhost_store()
        unsafe withUnsafeMutableBytes(of: &table) { copy in
            unsafe copy.copyMemory(from: UnsafeRawBufferPointer(start: found, count: min(size, copy.count)))
        }
        if let text = unsafe Self.fault(table) { throw Fault(text: text) }
        unsafe self.table = unsafe table
        most = Int(unsafe min(table.max_conditions, table.max_writes))
    }

    private static func fault(_ table: schedhost_store) -> String? {
        if unsafe table.flags != 0 { return "store.flags must be 0" }
        if unsafe table.max_value_bytes < UInt64(SCHEDHOST_STORE_LEAST_VALUE) {
            return "store.max_value_bytes must be at least \(SCHEDHOST_STORE_LEAST_VALUE)"
        }
        if unsafe min(table.max_conditions, table.max_writes) < UInt32(SCHEDHOST_STORE_LEAST_CONDITIONS) {
            return "store.max_conditions and max_writes must be at least \(SCHEDHOST_STORE_LEAST_CONDITIONS)"
        }
        if unsafe table.open == nil || table.close == nil || table.read == nil || table.list == nil
            || table.commit == nil
        {
            return "store: one of open, close, read, list and commit is NULL"
        }
        return nil
    }
}

internal import CPluginAPI

extension HostTable {
    /// What `cache_error` says when there was no error; lives as long as the process.
    static let emptyText = CText("")

    /// The cache functions.
    static func fillCaches(_ table: UnsafeMutablePointer<schedhost_host>) {
        unsafe table.pointee.cache_memory = { _, _, _, _ in SCHEDHOST_UNSUPPORTED.code }
        unsafe table.pointee.cache = { _, _, _, _ in SCHEDHOST_UNSUPPORTED.code }
        unsafe table.pointee.cache_get = { _, _, _, _ in SCHEDHOST_UNSUPPORTED.code }
        unsafe table.pointee.cache_peek = { _, _, _, _, _ in SCHEDHOST_UNSUPPORTED.code }
        unsafe table.pointee.cache_put = { _, _, _, _, _, _ in SCHEDHOST_UNSUPPORTED.code }
        unsafe table.pointee.cache_put_object = { _, _, _, _, _, _, _ in SCHEDHOST_UNSUPPORTED.code }
        unsafe table.pointee.cache_invalidate = { _, _, _, _ in SCHEDHOST_UNSUPPORTED.code }
        unsafe table.pointee.cache_pin = { _, _ in }
        unsafe table.pointee.cache_release = { _, _ in }
        unsafe table.pointee.cache_error = { _, _ in unsafe HostTable.emptyText.pointer }
        unsafe table.pointee.cache_counters = { _, _, _ in SCHEDHOST_UNSUPPORTED.code }
    }
}

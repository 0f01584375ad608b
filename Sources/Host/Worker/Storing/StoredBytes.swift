internal import CPluginAPI

/// Takes what a store writes, up to a bound.
@safe final class StoredBytes {
    private(set) var bytes: [UInt8] = []
    private let limit: Int
    private let isCut: Bool

    /// Takes at most so many bytes: of more, the first ones if `isCut`, or else none.
    init(limit: Int, isCut: Bool = false) {
        self.limit = limit
        self.isCut = isCut
    }

    /// Hands out a writer that is valid until `body` returns.
    func withWriter<Result>(_ body: (UnsafeMutablePointer<schedhost_writer>) -> Result) -> Result {
        var writer = unsafe self.writer
        return unsafe withUnsafeMutablePointer(to: &writer) { unsafe body($0) }
    }

    /// A writer, valid as long as this lives.
    var writer: schedhost_writer {
        var writer = unsafe schedhost_writer()
        unsafe writer.struct_size = UInt32(MemoryLayout<schedhost_writer>.size)
        unsafe writer.write = { writer, bytes, size in
            guard let data = unsafe writer?.pointee.host_data, unsafe bytes != nil || size == 0, size >= 0 else {
                return SCHEDHOST_INVALID.code
            }
            let taker = unsafe Unmanaged<StoredBytes>.fromOpaque(data).takeUnretainedValue()
            let room = taker.limit - taker.bytes.count
            guard taker.isCut || size <= room else { return SCHEDHOST_TOO_LARGE.code }
            unsafe taker.bytes.append(contentsOf: UnsafeRawBufferPointer(start: bytes, count: min(size, room)))
            return SCHEDHOST_OK.code
        }
        unsafe writer.set_object = { _, _, _, _ in SCHEDHOST_INVALID.code }
        unsafe writer.host_data = unsafe Unmanaged.passUnretained(self).toOpaque()
        return unsafe writer
    }
}

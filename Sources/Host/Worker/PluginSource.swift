internal import CPluginAPI
internal import HostStore
internal import HostSystem

/// A plugin's cache source together with its arguments.
@safe struct PluginSource: @unchecked Sendable {
    // @unchecked: the plugin is responsible for the pointers; the scheduler lives as long as the worker.
    let source: schedhost_source
    let user: UnsafeMutableRawPointer?
    let scheduler: UnsafePointer<schedhost_scheduler>

    /// Runs the source on the calling thread; on behalf of `asker`, if that is not the source's own scheduler.
    func run(
        _ key: UnsafeRawBufferPointer, _ writer: CacheWriter, for asker: UnsafePointer<schedhost_scheduler>? = nil
    ) -> CacheSourceFailure? {
        let outer = unsafe SourceRun.enter(writer)
        defer { unsafe SourceRun.leave(to: outer) }
        var face = unsafe schedhost_writer()
        unsafe face.struct_size = UInt32(MemoryLayout<schedhost_writer>.size)
        unsafe face.write = { face, bytes, size in unsafe write(face, bytes, size) }
        unsafe face.set_object = { face, object, release, cost in unsafe setObject(face, object, release, cost) }
        unsafe face.host_data = unsafe Unmanaged.passUnretained(writer).toOpaque()
        let code = withExtendedLifetime(writer) {
            unsafe source(asker ?? scheduler, key.baseAddress, key.count, &face, user)
        }
        return code == 0 ? nil : CacheSourceFailure(code: code, text: writer.message)
    }
}

/// A cache's own source, as set by the last call that opened the cache.
final class SourceSlot: Sendable {
    private let call: Monitor<PluginSource?>

    init(_ call: PluginSource?) { self.call = Monitor(call) }

    func set(_ call: PluginSource) { self.call.withLock { $0 = call } }

    /// Runs it; on behalf of the routine that asks, if that is not the one that has opened the cache.
    func run(
        _ key: UnsafeRawBufferPointer, _ writer: CacheWriter, for asker: UnsafePointer<schedhost_scheduler>? = nil
    ) -> CacheSourceFailure? {
        guard let call = call.withLock({ $0 }) else { return nil }
        return unsafe call.run(key, writer, for: asker)
    }
}

/// The runs of plugins' cache sources, each of which has a writer. While one is current on a thread, `schedhost_fail` stores its
/// text there.
enum SourceRun {
    private static let slot = ThreadSlot()

    /// Makes a run current on the calling thread, and returns the one that it is nested in, or nil.
    fileprivate static func enter(_ writer: CacheWriter) -> UnsafeMutableRawPointer? {
        let outer = unsafe slot.pointer
        unsafe slot.set(Unmanaged.passUnretained(writer).toOpaque())
        return unsafe outer
    }

    /// Restores the run that `enter` returned.
    fileprivate static func leave(to outer: UnsafeMutableRawPointer?) { unsafe slot.set(outer) }

    /// The writer of the calling thread's current run; of nested runs, that of the innermost.
    static var current: CacheWriter? {
        unsafe slot.pointer.map { unsafe Unmanaged<CacheWriter>.fromOpaque($0).takeUnretainedValue() }
    }
}

private func writer(_ face: UnsafeMutablePointer<schedhost_writer>?) -> Unmanaged<CacheWriter>? {
    guard let data = unsafe face?.pointee.host_data else { return nil }
    return unsafe Unmanaged<CacheWriter>.fromOpaque(data)
}

private func write(_ face: UnsafeMutablePointer<schedhost_writer>?, _ bytes: UnsafeRawPointer?, _ size: Int) -> Int32 {
    guard let writer = unsafe writer(face), unsafe bytes != nil || size == 0, size >= 0 else {
        return SCHEDHOST_INVALID.code
    }
    let isTaken = unsafe writer._withUnsafeGuaranteedRef {
        unsafe $0.write(UnsafeRawBufferPointer(start: bytes, count: size))
    }
    return isTaken ? SCHEDHOST_OK.code : SCHEDHOST_TOO_LARGE.code
}

private func setObject(
    _ face: UnsafeMutablePointer<schedhost_writer>?, _ object: UnsafeMutableRawPointer?,
    _ release: (@convention(c) (UnsafeMutableRawPointer?) -> Void)?, _ cost: Int
) -> Int32 {
    guard let writer = unsafe writer(face)?.takeUnretainedValue(), writer.holdsObjects,
        let object = unsafe object
    else { return SCHEDHOST_INVALID.code }
    unsafe writer.setObject(object, cost: cost < 0 ? .max : cost) { object in unsafe release?(object) }
    return SCHEDHOST_OK.code
}

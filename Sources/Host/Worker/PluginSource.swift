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
        _ key: UnsafeRawBufferPointer, _ writer: CacheWriter, holdsObjects: Bool,
        for asker: UnsafePointer<schedhost_scheduler>? = nil
    ) -> CacheSourceFailure? {
        let run = SourceRun(writer, holdsObjects: holdsObjects)
        let outer = unsafe SourceRun.enter(run)
        defer { unsafe SourceRun.leave(to: outer) }
        var face = unsafe schedhost_writer()
        unsafe face.struct_size = UInt32(MemoryLayout<schedhost_writer>.size)
        unsafe face.write = { face, bytes, size in unsafe write(face, bytes, size) }
        unsafe face.set_object = { face, object, release, cost in unsafe setObject(face, object, release, cost) }
        unsafe face.host_data = unsafe Unmanaged.passUnretained(run).toOpaque()
        let code = withExtendedLifetime(run) {
            unsafe source(asker ?? scheduler, key.baseAddress, key.count, &face, user)
        }
        return code == 0 ? nil : CacheSourceFailure(code: code, text: run.message)
    }
}

/// A cache's own source, as set by the last call that opened the cache.
final class SourceSlot: Sendable {
    private let call: Monitor<PluginSource?>

    init(_ call: PluginSource?) { self.call = Monitor(call) }

    func set(_ call: PluginSource) { self.call.withLock { $0 = call } }

    /// Runs it; on behalf of the routine that asks, if that is not the one that has opened the cache.
    func run(
        _ key: UnsafeRawBufferPointer, _ writer: CacheWriter, holdsObjects: Bool,
        for asker: UnsafePointer<schedhost_scheduler>? = nil
    ) -> CacheSourceFailure? {
        guard let call = call.withLock({ $0 }) else { return nil }
        return unsafe call.run(key, writer, holdsObjects: holdsObjects, for: asker)
    }
}

/// One run of a plugin's cache source. While it is current on a thread, `schedhost_fail` stores its text here.
@safe final class SourceRun {
    private static let slot = ThreadSlot()

    var message = ""
    /// Values that the source may use until it returns.
    private var kept: [CacheValue] = []
    let writer: CacheWriter
    let holdsObjects: Bool

    fileprivate init(_ writer: CacheWriter, holdsObjects: Bool) {
        self.writer = writer
        self.holdsObjects = holdsObjects
    }

    /// Keeps a value alive until the source returns.
    func keep(_ value: CacheValue) { kept.append(value) }

    /// Makes `run` current on the calling thread, and returns the run that it is nested in, or nil.
    fileprivate static func enter(_ run: SourceRun) -> UnsafeMutableRawPointer? {
        let outer = unsafe slot.pointer
        unsafe slot.set(Unmanaged.passUnretained(run).toOpaque())
        return unsafe outer
    }

    /// Restores the run that `enter` returned.
    fileprivate static func leave(to outer: UnsafeMutableRawPointer?) { unsafe slot.set(outer) }

    /// The calling thread's current run; of nested runs, the innermost.
    static var current: SourceRun? {
        unsafe slot.pointer.map { unsafe Unmanaged<SourceRun>.fromOpaque($0).takeUnretainedValue() }
    }
}

private func run(_ face: UnsafeMutablePointer<schedhost_writer>?) -> SourceRun? {
    guard let data = unsafe face?.pointee.host_data else { return nil }
    return unsafe Unmanaged<SourceRun>.fromOpaque(data).takeUnretainedValue()
}

private func write(_ face: UnsafeMutablePointer<schedhost_writer>?, _ bytes: UnsafeRawPointer?, _ size: Int) -> Int32 {
    guard let run = unsafe run(face), unsafe bytes != nil || size == 0, size >= 0 else { return SCHEDHOST_INVALID.code }
    let isTaken = unsafe run.writer.write(UnsafeRawBufferPointer(start: bytes, count: size))
    return isTaken ? SCHEDHOST_OK.code : SCHEDHOST_TOO_LARGE.code
}

private func setObject(
    _ face: UnsafeMutablePointer<schedhost_writer>?, _ object: UnsafeMutableRawPointer?,
    _ release: (@convention(c) (UnsafeMutableRawPointer?) -> Void)?, _ cost: Int
) -> Int32 {
    guard let run = unsafe run(face), run.holdsObjects, let object = unsafe object else {
        return SCHEDHOST_INVALID.code
    }
    unsafe run.writer.setObject(object, cost: cost < 0 ? .max : cost) { object in unsafe release?(object) }
    return SCHEDHOST_OK.code
}

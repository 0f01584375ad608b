internal import CPluginAPI
internal import HostStore
internal import HostSystem

/// A plugin's source with what it is called with.
@safe struct PluginSource: @unchecked Sendable {
    // @unchecked: pointers that the plugin answers for, and a scheduler that lives as long as the worker.
    let source: schedhost_source
    let user: UnsafeMutableRawPointer?
    let scheduler: UnsafePointer<schedhost_scheduler>

    /// Runs it on the calling thread.
    func run(_ key: UnsafeRawBufferPointer, _ writer: CacheWriter, holdsObjects: Bool) -> CacheSourceFailure? {
        let run = SourceRun(writer, holdsObjects: holdsObjects)
        let outer = unsafe SourceRun.enter(run)
        defer { unsafe SourceRun.leave(to: outer) }
        var face = unsafe schedhost_writer()
        unsafe face.struct_size = UInt32(MemoryLayout<schedhost_writer>.size)
        unsafe face.write = { face, bytes, size in unsafe write(face, bytes, size) }
        unsafe face.set_object = { face, object, release, cost in unsafe setObject(face, object, release, cost) }
        unsafe face.host_data = unsafe Unmanaged.passUnretained(run).toOpaque()
        let code = withExtendedLifetime(run) { unsafe source(scheduler, key.baseAddress, key.count, &face, user) }
        return code == 0 ? nil : CacheSourceFailure(code: code, text: run.message)
    }
}

/// A cache's own source, as its last opening gave it.
final class SourceSlot: Sendable {
    private let call: Monitor<PluginSource?>

    init(_ call: PluginSource?) { self.call = Monitor(call) }

    func set(_ call: PluginSource) { self.call.withLock { $0 = call } }

    func run(_ key: UnsafeRawBufferPointer, _ writer: CacheWriter, holdsObjects: Bool) -> CacheSourceFailure? {
        guard let call = call.withLock({ $0 }) else { return nil }
        return unsafe call.run(key, writer, holdsObjects: holdsObjects)
    }
}

/// One run of a plugin's cache source: where `schedhost_fail` puts its text, whichever thread it is on.
@safe final class SourceRun {
    private static let slot = ThreadSlot()

    var message = ""
    /// Values that the source may look at until it returns.
    private var kept: [CacheValue] = []
    let writer: CacheWriter
    let holdsObjects: Bool

    fileprivate init(_ writer: CacheWriter, holdsObjects: Bool) {
        self.writer = writer
        self.holdsObjects = holdsObjects
    }

    /// Keeps a value until the source returns.
    func keep(_ value: CacheValue) { kept.append(value) }

    /// Makes `run` the calling thread's, and gives the one that it interrupts.
    fileprivate static func enter(_ run: SourceRun) -> UnsafeMutableRawPointer? {
        let outer = unsafe slot.pointer
        unsafe slot.set(Unmanaged.passUnretained(run).toOpaque())
        return unsafe outer
    }

    /// The calling thread is done with its run, and back in the one that `enter` gave.
    fileprivate static func leave(to outer: UnsafeMutableRawPointer?) { unsafe slot.set(outer) }

    /// The run that the calling thread is in: of several, one within the other, the innermost.
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

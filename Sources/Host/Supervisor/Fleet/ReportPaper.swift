internal import HostSystem
internal import HostValues

/// The memory that the backtracer of one worker writes its crash report to. memfd_create(2).
///
/// A file would have to be created before each start of a worker that has a sandbox or a user of its own, since such a worker
/// cannot create one when it crashes; and a full disk has no room for it. Of the memory nothing is used until the crash. Whoever
/// has it can read and write it, plugin code too, so its content is not trusted.
final class ReportPaper: Sendable {
    /// The memory.
    let file: Descriptor
    /// The number by which the worker and its backtracer have it open.
    let number: Int32

    /// Makes an empty one.
    init() throws(SystemError) {
        file = try Descriptor.memory("schedhost-report")
        number = HostProcess.remoteDescriptor()
    }

    /// The path by which the backtracer opens it. The directory is that of the process that opens it, and a sandbox that lets
    /// no file be written still allows this one: Landlock has no rules for what lies in no file system. landlock(7)
    var path: String { "/proc/self/fd/\(number)" }

    /// The number of bytes that were written.
    var size: Int { (try? file.status(subject: "report").size) ?? 0 }

    /// What was written; nil if that is more than `limit` bytes.
    func content(limit: Int) -> [UInt8]? { try? file.readAll(limit: limit, subject: "report") }
}

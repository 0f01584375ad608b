internal import HostPolicy
internal import HostSystem

/// The marks of hosts that used a state directory and did not end properly, in the file `marks`. A process that bears
/// one of them was left by a worker of a dead host.
final class HostMarks {
    private static let name = "marks"
    /// The number of marks remembered: a host may be killed before it has removed what its predecessor left.
    private static let most = 32

    private let path: String
    private let own: HostMark
    /// The marks of earlier hosts, which are dead, since this host has the directory's lock.
    let predecessors: Set<HostMark>

    /// Reads the marks in a state directory. Only the host that has its lock may do so.
    init(_ path: String, own: HostMark) {
        self.path = path
        self.own = own
        predecessors = Set(Self.read(path).suffix(Self.most))
    }

    private static func read(_ path: String) -> [HostMark] {
        guard let directory = try? Directory(path), let file = try? directory.openForReading(name),
            let bytes = try? file.readAll(limit: 1 << 16, subject: name)
        else { return [] }
        return String(decoding: bytes, as: UTF8.self).split(separator: "\n").compactMap { HostMark($0) }
    }

    /// Saves this host's mark, before its first worker starts; returns the error if that fails.
    func note() -> SystemError? {
        var text = ""
        for mark in Self.read(path).suffix(Self.most - 1) { text += mark.text + "\n" }
        text += own.text + "\n"
        do throws(SystemError) {
            try Directory(path).save(Array(text.utf8), as: Self.name, isSynchronized: false)
            return nil
        } catch {
            return error
        }
    }

    /// Removes the marks when the host ends and its workers have left nothing.
    func remove() { try? Directory(path).remove(Self.name) }
}

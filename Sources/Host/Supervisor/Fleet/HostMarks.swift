internal import HostPolicy
internal import HostSystem

/// The marks of the hosts that had a state directory and did not end in order, in `marks`: what bears one of them was left
/// by a worker of a host that is dead.
final class HostMarks {
    private static let name = "marks"
    /// Hosts that are remembered: each was killed before it could end what the one before it had left.
    private static let most = 32

    private let path: String
    private let own: HostMark
    /// Those of hosts before this one, which are dead: it has the directory's lock now.
    let predecessors: Set<HostMark>

    /// What a state directory has, for the host that has its lock.
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

    /// Writes this host's mark down, before its first worker; returns why it could not.
    func note() -> SystemError? {
        let lines = (Self.read(path).suffix(Self.most - 1) + [own]).map { $0.text + "\n" }
        do throws(SystemError) {
            try Directory(path).save(Array(lines.joined().utf8), as: Self.name, isSynchronized: false)
            return nil
        } catch {
            return error
        }
    }

    /// The host ends, and its workers have left nothing.
    func remove() { try? Directory(path).remove(Self.name) }
}

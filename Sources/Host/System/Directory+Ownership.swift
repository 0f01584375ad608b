internal import CHostSystem
internal import Glibc
internal import HostValues

/// Handing files over to another user. The functions follow no links. chown(2)
extension Directory {
    /// Gives this directory with everything beneath it to a user, itself last: if it has the right owner, so has the rest.
    ///
    /// Only entries are given whose owner `accepts` returns true for. A file with several names is not given, because one of
    /// the names may be elsewhere. Returns the paths of the entries that keep their owner.
    ///
    /// `goesOn` is asked before each entry. If it returns false, the rest stays as it is, and an error that `isUnderWay` is
    /// thrown; the next call does the rest.
    public func give(
        to user: UInt32, depth: Int = 0, accepts: (UInt32) -> Bool, goesOn: () -> Bool = { true }
    ) throws(SystemError) -> [String] {
        var kept: [String] = []
        for name in try names() {
            if !goesOn() { throw SystemError("fchown", path, number: EINPROGRESS) }
            let status = try status(name)
            if status.kind == .directory, depth < 64 {
                // What was opened is no link; that it is ours is asked of what was opened.
                let inner = try directory(name)
                let own = try inner.descriptor.status(subject: inner.path)
                if accepts(own.owner) {
                    kept += try inner.give(to: user, depth: depth + 1, accepts: accepts, goesOn: goesOn)
                } else {
                    kept.append(inner.path)
                }
            } else if status.kind != .link {
                if !giveFile(name, to: user, accepts: accepts) { kept.append(child(name)) }
            }
        }
        try descriptor.give(to: user, subject: path)
        return kept
    }

    /// The entry itself is opened, without effect on it, so that it is the same one that is looked at and given.
    private func giveFile(_ name: String, to user: UInt32, accepts: (UInt32) -> Bool) -> Bool {
        let number = unsafe chs_open_entry(descriptor.raw, name)
        guard number >= 0 else { return chs_errno() == ENOENT }
        let entry = Descriptor(owning: number)
        guard let status = try? entry.status(subject: name) else { return false }
        switch status.kind {
        case .regular, .pipe, .socket: break
        case .directory, .link, .device: return false
        }
        if status.owner == user { return true }
        return status.links == 1 && accepts(status.owner) && chs_give_entry(entry.raw, user) == 0
    }
}

extension Descriptor {
    /// Gives an open file or directory to a user and its group. fchown(2)
    public func give(to user: UInt32, subject: @autoclosure () -> String) throws(SystemError) {
        _ = try retrying("fchown", subject()) { fchown(raw, user, user) }
    }
}

extension HostProcess {
    /// Becomes another user for good, with no further groups and no capabilities. Returns false if the kernel refuses.
    /// setresuid(2)
    public static func become(_ user: UInt32) -> Bool { chs_become(user) == 0 }
}

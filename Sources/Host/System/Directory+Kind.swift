internal import CHostSystem

extension Directory {
    /// The kind of the directory's file system, if other machines can change it without this one being notified; else
    /// nil. statfs(2), inotify(7).
    public var remoteFileSystem: String? {
        switch UInt32(truncatingIfNeeded: chs_file_system_kind(descriptor.raw)) {
        case 0x6969: "NFS"
        case 0x517B, 0xFF53_4D42, 0xFE53_4D42: "SMB"
        case 0x0102_1997: "9p"
        case 0x6573_5546: "FUSE"
        case 0x5346_414F, 0x6B41_4653: "AFS"
        case 0x00C3_6400: "Ceph"
        case 0x0BD0_0BD0: "Lustre"
        case 0x0116_1970: "GFS2"
        case 0x7461_636F: "OCFS2"
        case 0x786F_4256: "vboxsf"
        default: nil
        }
    }
}

/// The mount points of this process. proc(5), `/proc/self/mounts`.
public enum Mounts {
    /// The names of the mount points directly in a folder, such as the single files that container runtimes mount.
    /// Empty without /proc.
    public static func names(in folder: String) -> Set<String> {
        guard let directory = try? Directory("/proc/self"), let file = try? directory.openForReading("mounts"),
            let bytes = try? file.readAll(limit: 16 << 20, subject: "mounts")
        else { return [] }
        let prefix = folder.hasSuffix("/") ? folder : folder + "/"
        var names: Set<String> = []
        for line in bytes.split(separator: 0x0A) {
            let words = line.split(separator: 0x20, maxSplits: 2)
            guard words.count > 1 else { continue }
            let place = unescaped(words[1])
            guard place.hasPrefix(prefix) else { continue }
            let name = place.dropFirst(prefix.utf8.count)
            if !name.isEmpty, !name.contains("/") { names.insert(String(name)) }
        }
        return names
    }

    /// Decodes the octal escapes that stand for a space, tab, newline or backslash.
    static func unescaped(_ text: ArraySlice<UInt8>) -> String {
        var result: [UInt8] = []
        var at = text.startIndex
        while at < text.endIndex {
            let digits = text[at...].dropFirst().prefix(3)
            if text[at] == UInt8(ascii: "\\"), digits.count == 3, digits.allSatisfy({ (48...55).contains($0) }) {
                result.append(UInt8(truncatingIfNeeded: digits.reduce(0) { $0 << 3 | UInt($1 - 48) }))
                at += 4
            } else {
                result.append(text[at])
                at += 1
            }
        }
        return String(decoding: result, as: UTF8.self)
    }
}

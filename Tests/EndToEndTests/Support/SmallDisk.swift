import Glibc

/// A small file system on a directory, gone when nobody holds it.
final class SmallDisk {
    private let path: String

    init(at path: String, kilobytes: Int, in scratch: Scratch) async throws {
        self.path = path
        _ = try await Command.shell(
            "mkdir -p '\(path)' && mount -t tmpfs -o size=\(kilobytes)k,mode=700 none '\(path)'", in: scratch)
    }

    deinit { _ = unsafe umount2(path, 2) }  // MNT_DETACH
}

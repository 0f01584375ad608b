internal import Glibc
internal import PluginAPI

/// A regular file, open for reading by place. open(2), fstat(2), pread(2).
struct LibraryFile: ~Copyable {
    private let number: Int32
    private let size: UInt64

    /// The largest part that is read at once: no library's symbols take more.
    private static var largestPart: UInt64 { 256 << 20 }

    /// Opens a regular file, not through a link and never waiting for a pipe's writer.
    init(_ path: String) throws {
        let opened = unsafe open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOFOLLOW)
        guard opened >= 0 else { throw Failure("it cannot be opened (error \(errno))") }
        var status = stat()
        guard unsafe fstat(opened, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
            close(opened)
            throw Failure("not a regular file")
        }
        number = opened
        size = UInt64(clamping: status.st_size)
    }

    deinit { close(number) }

    /// `count` bytes from `offset`, all of them inside the file.
    func bytes(at offset: UInt64, count: UInt64) throws -> [UInt8] {
        let (end, overflow) = offset.addingReportingOverflow(count)
        guard !overflow, end <= size else { throw Failure("truncated: it refers to bytes past its end") }
        guard count <= Self.largestPart else { throw Failure("a part of it is larger than 256 MiB") }
        var bytes = [UInt8](repeating: 0, count: Int(count))
        var done = 0
        while done < bytes.count {
            let got = unsafe bytes.withUnsafeMutableBytes { buffer in
                unsafe pread(
                    number, buffer.baseAddress.map { unsafe $0 + done }, buffer.count - done, off_t(offset) + done)
            }
            if got < 0 && errno == EINTR { continue }
            guard got > 0 else { throw Failure("it cannot be read to its end") }
            done += got
        }
        return bytes
    }
}

/// The directory itself, or, when it is the usual one and missing, the first of those that other distributions and
/// architectures have.
func usableDirectory(_ wanted: String) -> String {
    guard wanted == usualDirectory else { return wanted }
    let others = [
        "/usr/lib/aarch64-linux-gnu", "/usr/lib/riscv64-linux-gnu", "/usr/lib64", "/usr/lib", "/lib64", "/lib",
    ]
    return ([wanted] + others).first { unsafe access($0, R_OK | X_OK) == 0 } ?? wanted
}

/// The names of what may be shared libraries, `*.so` and `*.so.*`, without links, sorted by bytes. readdir(3).
func libraryNames(in path: String) throws -> [String] {
    guard let stream = unsafe opendir(path) else {
        throw Failure(code: 2, "\(path): no directory that can be read (error \(errno)): set the parameter directory")
    }
    defer { unsafe closedir(stream) }
    var names: [String] = []
    while let entry = unsafe readdir(stream) {
        let kind = unsafe Int(entry.pointee.d_type)
        guard kind == DT_REG || kind == DT_UNKNOWN else { continue }
        let name = unsafe withUnsafePointer(to: &entry.pointee.d_name) { tuple in
            unsafe tuple.withMemoryRebound(to: UInt8.self, capacity: 256) { bytes in
                unsafe String(validating: UnsafeBufferPointer(start: bytes, count: strlen(tuple)), as: UTF8.self)
            }
        }
        guard let name, !name.contains("\n"), name.hasSuffix(".so") || name.contains(".so.") else { continue }
        names.append(name)
    }
    return names.sorted(by: precedes)
}

internal import Glibc
internal import PluginAPI

/// The host asked to stop while a fetch was in progress. Who waited for that fetch without being asked to stop gets it as
/// an error.
struct Stopped: Error, CustomStringConvertible {
    var description: String { "the fetch was given up, since its routine was asked to stop" }
}

/// The largest snapshot that is taken, in bytes.
let largestSnapshot = 4 << 20

/// The recorded one is the same each time: it is read once.
private let recorded = Result { try Snapshot.parse(Array(recordedSnapshot.utf8)) }

/// Gets a snapshot from a source: `recorded`, a `file://` URL, an absolute path, or an `http://` URL.
func fetch(_ source: String, timeout: Duration) throws -> Snapshot {
    if source.isEmpty || source == "recorded" { return try recorded.get() }
    if source.hasPrefix("http://") { return try Snapshot.parse(HTTPRequest(source).body(timeout: timeout)) }
    if source.hasPrefix("file://") {
        return try Snapshot.parse(readFile(try unescaped(source.dropFirst("file://".count))))
    }
    if source.hasPrefix("/") { return try Snapshot.parse(readFile(source)) }
    throw Failure("source \"\(source)\": give http://…, file:///…, an absolute path, or recorded")
}

/// The path of a `file://` URL, which has no host or `localhost`.
private func unescaped(_ url: Substring) throws -> String {
    let path = url.hasPrefix("localhost/") ? url.dropFirst("localhost".count) : url
    guard path.hasPrefix("/") else { throw Failure("source \"file://\(url)\": the path begins with a slash") }
    var bytes: [UInt8] = []
    var rest = path.utf8[...]
    while let byte = rest.popFirst() {
        if byte != UInt8(ascii: "%") {
            bytes.append(byte)
            continue
        }
        let digits = String(decoding: rest.prefix(2), as: UTF8.self)
        guard digits.utf8.count == 2, let value = UInt8(digits, radix: 16), value != 0 else {
            throw Failure("source \"file://\(url)\": % is followed by two hexadecimal digits, not 00")
        }
        bytes.append(value)
        rest = rest.dropFirst(2)
    }
    return String(decoding: bytes, as: UTF8.self)
}

/// Reads a regular file, never waiting for a pipe's writer. open(2), read(2).
private func readFile(_ path: String) throws -> [UInt8] {
    let file = unsafe open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
    guard file >= 0 else { throw systemFailure(path) }
    defer { close(file) }
    var status = stat()
    guard unsafe fstat(file, &status) == 0 else { throw systemFailure(path) }
    guard status.st_mode & S_IFMT == S_IFREG else { throw Failure("\(path) is not a regular file") }
    var bytes: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: 65_536)
    while true {
        let count = unsafe chunk.withUnsafeMutableBytes { unsafe read(file, $0.baseAddress, $0.count) }
        if count < 0 && errno == EINTR { continue }
        guard count >= 0 else { throw systemFailure(path) }
        if count == 0 { return bytes }
        bytes += chunk[..<count]
        if bytes.count > largestSnapshot { throw Failure("\(path) is larger than \(largestSnapshot) bytes") }
    }
}

/// A failure with the words of the calling thread's `errno`. strerror_r(3).
func systemFailure(_ subject: String) -> Failure {
    let number = errno
    let reason = unsafe withUnsafeTemporaryAllocation(of: CChar.self, capacity: 256) { buffer in
        guard let start = buffer.baseAddress, unsafe strerror_r(number, start, buffer.count) == 0 else {
            return "error \(number)"
        }
        return unsafe String(cString: start)
    }
    return Failure("\(subject): \(reason)")
}

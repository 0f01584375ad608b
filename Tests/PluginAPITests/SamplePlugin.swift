import CPluginAPI
import Glibc
import Testing

/// A sample plugin as it is built: the shared library beside the test bundle.
@safe struct SamplePlugin: @unchecked Sendable {
    // @unchecked: a descriptor is immutable and immortal.
    let descriptor: UnsafePointer<schedhost_plugin>
    /// The file's bytes.
    let file: [UInt8]

    init(_ name: String) throws {
        let executable = unsafe realpath("/proc/self/exe", nil).map { unsafe String(cString: $0) } ?? ""
        let folder = executable[..<(executable.lastIndex(of: "/") ?? executable.startIndex)]
        let path = "\(folder)/lib\(name).so"
        let library: UnsafeMutableRawPointer? = unsafe dlopen(path, RTLD_NOW | RTLD_LOCAL)
        unsafe try #require(library != nil, "\(path)")
        let found: UnsafeMutableRawPointer? = unsafe dlsym(library, SCHEDHOST_ENTRY_SYMBOL)
        let symbol = unsafe try #require(found)
        typealias Entry = @convention(c) () -> UnsafePointer<schedhost_plugin>
        unsafe descriptor = unsafe unsafeBitCast(symbol, to: Entry.self)()
        file = try bytes(ofFile: path)
    }

    var routine: UnsafePointer<schedhost_routine> { unsafe entries(descriptor.pointee.routines)[0] }

    /// A session of some cycles: their codes.
    func session(_ host: FakeHost, cycles: Int = 1) -> [Int32] {
        guard unsafe host.call(routine.pointee.start, routine) == 0 else { return [] }
        let codes = (0..<cycles).map { _ in unsafe host.run(routine) }
        _ = unsafe host.call(routine.pointee.stats, routine)
        _ = unsafe host.call(routine.pointee.stop, routine)
        return codes
    }
}

/// All bytes of a file.
private func bytes(ofFile path: String) throws -> [UInt8] {
    let stream: UnsafeMutablePointer<FILE>? = unsafe fopen(path, "rb")
    unsafe try #require(stream != nil)
    defer { unsafe fclose(stream) }
    unsafe fseek(stream, 0, SEEK_END)
    var bytes = unsafe [UInt8](repeating: 0, count: ftell(stream))
    unsafe rewind(stream)
    let count = unsafe bytes.withUnsafeMutableBytes { unsafe fread($0.baseAddress, 1, $0.count, stream) }
    #expect(count == bytes.count)
    return bytes
}

/// A directory that is removed with its files when the test ends.
final class ScratchDirectory {
    let path: String

    init() throws {
        let template = unsafe strdup("/tmp/schedhost-test-XXXXXX")
        defer { unsafe free(template) }
        let made: UnsafeMutablePointer<CChar>? = unsafe template.flatMap { unsafe mkdtemp($0) }
        path = unsafe String(cString: try #require(made))
    }

    /// Writes a file; its path.
    @discardableResult
    func write(_ name: String, _ bytes: some Collection<UInt8>) throws -> String {
        let stream: UnsafeMutablePointer<FILE>? = unsafe fopen("\(path)/\(name)", "wb")
        unsafe try #require(stream != nil)
        let bytes = Array(bytes)
        let count = unsafe bytes.withUnsafeBytes { unsafe fwrite($0.baseAddress, 1, $0.count, stream) }
        unsafe fclose(stream)
        #expect(count == bytes.count)
        return "\(path)/\(name)"
    }

    deinit {
        if let stream = unsafe opendir(path) {
            while let entry = unsafe readdir(stream) {
                let name = unsafe withUnsafePointer(to: &entry.pointee.d_name) { tuple in
                    unsafe tuple.withMemoryRebound(to: CChar.self, capacity: 256) { unsafe String(cString: $0) }
                }
                unsafe unlink("\(path)/\(name)")
            }
            unsafe closedir(stream)
        }
        unsafe rmdir(path)
    }
}

/// Answers one HTTP request with given bytes, a few at a time, and closes.
final class OneAnswer: Sendable {
    let port: UInt16
    private let listener: Int32

    init(_ answer: String, piece: Int) throws {
        listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        let listener = listener
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
        var size = socklen_t(MemoryLayout<sockaddr_in>.size)
        let bound = unsafe withUnsafeMutablePointer(to: &address) { address in
            unsafe address.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                unsafe bind(listener, $0, size) == 0 && listen(listener, 1) == 0
                    && getsockname(listener, $0, &size) == 0
            }
        }
        try #require(bound)
        port = UInt16(bigEndian: address.sin_port)
        startThread {
            let peer = accept(listener, nil, nil)
            guard peer >= 0 else { return }
            var request: [UInt8] = []
            var byte: UInt8 = 0
            while !request.suffix(4).elementsEqual([13, 10, 13, 10]), unsafe read(peer, &byte, 1) == 1 {
                request.append(byte)
            }
            var rest = Array(answer.utf8)[...]
            while !rest.isEmpty {
                let count = unsafe rest.prefix(piece).withUnsafeBytes {
                    unsafe send(peer, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
                }
                if count <= 0 { break }
                rest = rest.dropFirst(count)
            }
            close(peer)
        }
    }

    deinit {
        shutdown(listener, Int32(SHUT_RDWR))
        close(listener)
    }
}

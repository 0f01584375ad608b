internal import CHostSystem
internal import Glibc

/// The supervising end of a seccomp filter that asks before it allows certain system calls of a process and of all its
/// descendants. seccomp_unotify(2).
public struct CallListener: ~Copyable, Sendable {
    /// A system call whose thread is suspended until `allow` is called.
    public struct Call: Sendable {
        fileprivate let asked: chs_asked_call

        /// The system call number.
        public var number: UInt32 { asked.number }

        /// One of the call's six arguments, by index from 0; 0 for any other index.
        public func argument(_ index: Int) -> UInt64 {
            let all = asked.arguments
            switch index {
            case 0: return all.0
            case 1: return all.1
            case 2: return all.2
            case 3: return all.3
            case 4: return all.4
            case 5: return all.5
            default: return 0
            }
        }
    }

    /// The outcome of `next`.
    public enum Next: Sendable {
        case call(Call)
        case nothing
        /// Every process under the filter has ended, so no further call can come.
        case over
    }

    private let descriptor: Descriptor

    /// Takes the notification descriptor out of the process `pid`; nil while that process has not installed its filter
    /// yet.
    public init?(of pid: Int32) {
        let taken = chs_listener_take(pid, CHS_LISTENER)
        if taken < 0 { return nil }
        descriptor = Descriptor(owning: taken)
    }

    /// Sleeps for 1 ms, for a caller that polls until the listener exists.
    public static func rest() { usleep(1000) }

    /// Waits at most so many milliseconds for the next call.
    public func next(within milliseconds: Int32) -> Next {
        var asked = chs_asked_call()
        let result = unsafe chs_listener_next(descriptor.raw, milliseconds, &asked)
        return result > 0 ? .call(Call(asked: asked)) : result == 0 ? .nothing : .over
    }

    /// Lets the suspended call proceed in the kernel.
    public func allow(_ call: Call) { chs_listener_allow(descriptor.raw, call.asked.id) }

    /// Reads `count` bytes of the calling thread's memory; returns fewer where the mapped memory ends earlier.
    public func bytes(of call: Call, at address: UInt64, count: Int) -> [UInt8] {
        var found: [UInt8] = []
        while found.count < count {
            var part = [UInt8](repeating: 0, count: min(4096, count - found.count))
            let start = address &+ UInt64(found.count)
            let read = unsafe part.withUnsafeMutableBytes { bytes in
                unsafe chs_peek(call.asked.thread, start, bytes.baseAddress, bytes.count)
            }
            if read <= 0 { break }
            found += part.prefix(read)
            if found.suffix(read).contains(0), count == Self.mostPath { break }
        }
        return found
    }

    /// The longest path in bytes, its terminating NUL included (`PATH_MAX`).
    public static let mostPath = 4096

    /// The absolute path that the argument at `index` points to. `folder` is the index of the argument with the
    /// directory descriptor that a relative path starts from; nil means the working directory. Returns nil if the path
    /// cannot be read.
    public func path(of call: Call, _ index: Int, folder: Int?) -> String? {
        let bytes = bytes(of: call, at: call.argument(index), count: Self.mostPath)
        guard let end = bytes.firstIndex(of: 0), let text = String(validating: bytes[..<end], as: UTF8.self) else {
            return nil
        }
        if text.hasPrefix("/") { return text }
        let process = "/proc/\(call.asked.thread)"
        let number = folder.map { Int32(truncatingIfNeeded: call.argument($0)) } ?? AT_FDCWD
        let link = number == AT_FDCWD ? "cwd" : "fd/\(number)"
        return HostProcess.resolved(process + "/" + link).map { text.isEmpty ? $0 : $0 + "/" + text }
    }

    /// Whether the argument at `index` is the descriptor of a stream socket.
    public func isStream(_ call: Call, _ index: Int) -> Bool {
        chs_is_stream(call.asked.thread, Int32(truncatingIfNeeded: call.argument(index))) != 0
    }
}

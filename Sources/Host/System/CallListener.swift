internal import CHostSystem
internal import Glibc

/// Hears of the system calls of a process whose filter asks before it makes them, and of all that it starts. seccomp_unotify(2).
public struct CallListener: ~Copyable, Sendable {
    /// A call that waits.
    public struct Call: Sendable {
        fileprivate let asked: chs_asked_call

        /// Its number.
        public var number: UInt32 { asked.number }

        /// One of its six arguments.
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

    /// What came of waiting.
    public enum Next: Sendable {
        case call(Call)
        case nothing
        /// No process is left that could make one.
        case over
    }

    private let descriptor: Descriptor

    /// Takes the listener of a process; nil as long as it has none.
    public init?(of pid: Int32) {
        let taken = chs_listener_take(pid, CHS_LISTENER)
        if taken < 0 { return nil }
        descriptor = Descriptor(owning: taken)
    }

    /// Lets a moment pass, for who waits for a listener.
    public static func rest() { usleep(1000) }

    /// The next call, within so many ms.
    public func next(within milliseconds: Int32) -> Next {
        var asked = chs_asked_call()
        let result = unsafe chs_listener_next(descriptor.raw, milliseconds, &asked)
        return result > 0 ? .call(Call(asked: asked)) : result == 0 ? .nothing : .over
    }

    /// Lets a call be made.
    public func allow(_ call: Call) { chs_listener_allow(descriptor.raw, call.asked.id) }

    /// Bytes of the memory of who makes a call; fewer where there are not so many.
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

    /// The longest path, with its NUL.
    public static let mostPath = 4096

    /// The path that an argument leads to, from the root on. `folder`: the argument with the descriptor that it begins at. Nil
    /// where there is none.
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

    /// Whether an argument is the descriptor of a socket of streams.
    public func isStream(_ call: Call, _ index: Int) -> Bool {
        chs_is_stream(call.asked.thread, Int32(truncatingIfNeeded: call.argument(index))) != 0
    }
}

internal import HostPolicy
internal import HostSystem
internal import HostValues
internal import Synchronization

/// Notes what a worker does that a sandbox would refuse. A thread of its own sees each such call before it is made.
final class SandboxWatch: Sendable {
    private struct Notes {
        var needs: Set<SandboxNeed> = []
        var isListening = false
        var isOver = false
    }

    private let notes = Mutex(Notes())

    /// Makes a watch that watches no process yet.
    init() {}

    /// The permissions that the worker has needed so far.
    var needs: Set<SandboxNeed> { notes.withLock { $0.needs } }

    /// Whether the kernel has reported the worker's calls.
    var hasListened: Bool { notes.withLock { $0.isListening } }

    /// Watches a process until its end. It must have been started with a policy that reports calls.
    func follow(_ pid: Int32) throws(SystemError) {
        try Thread.start(name: "sandbox-watch") { [self] in
            while !notes.withLock({ $0.isOver }) {
                if let listener = CallListener(of: pid) {
                    notes.withLock { $0.isListening = true }
                    return serve(listener)
                }
                CallListener.rest()
            }
        }
    }

    /// Ends the watch, whether the process was ever observed or not.
    func stop() { notes.withLock { $0.isOver = true } }

    private func serve(_ listener: borrowing CallListener) {
        while true {
            switch listener.next(within: 100) {
            case .over: return
            case .nothing: if notes.withLock({ $0.isOver }) { return }
            case .call(let call):
                if let need = need(call, listener) { notes.withLock { _ = $0.needs.insert(need) } }
                listener.allow(call)
            }
        }
    }

    private func need(_ call: CallListener.Call, _ listener: borrowing CallListener) -> SandboxNeed? {
        switch WatchedCall(number: call.number) {
        case .open(let folder, let path, let flags):
            let bits = bits(flags, call, listener)
            guard bits & WatchedCall.writing != 0, let path = listener.path(of: call, path, folder: folder) else {
                return nil
            }
            if let known = HostProcess.resolved(path) { return SandboxNeed(.write, known) }
            return bits & WatchedCall.making == 0 ? nil : Self.folder(of: path).map { SandboxNeed(.write, $0) }
        case .entry(let folder, let path):
            return listener.path(of: call, path, folder: folder).flatMap(Self.folder).map { SandboxNeed(.write, $0) }
        case .connect:
            let address = listener.bytes(
                of: call, at: call.argument(1), count: min(110, Int(clamping: call.argument(2))))
            // AF_UNIX is 1. A name that begins with a NUL is abstract, and no setting allows it.
            guard address.count > 3, address[0] == 1, address[1] == 0, address[2] != 0 else { return nil }
            let text = String(decoding: address.dropFirst(2).prefix { $0 != 0 }, as: UTF8.self)
            return SandboxNeed(.unix, HostProcess.resolved(text) ?? text)
        case .bind:
            let address = listener.bytes(of: call, at: call.argument(1), count: 4)
            // AF_INET is 2, AF_INET6 is 10. UDP needs no permission.
            guard address.count == 4, address[0] == 2 || address[0] == 10, listener.isStream(call, 0) else {
                return nil
            }
            return SandboxNeed(.bind, "\(UInt16(address[2]) << 8 | UInt16(address[3]))")
        case .other(let known): return SandboxNeed(.syscalls, known.name)
        case nil: return nil
        }
    }

    private func bits(_ flags: WatchedCall.Flags, _ call: CallListener.Call, _ listener: borrowing CallListener)
        -> UInt64
    {
        switch flags {
        case .argument(let index): return call.argument(index)
        case .memory(let index):
            let bytes = listener.bytes(of: call, at: call.argument(index), count: 8)
            return bytes.reversed().reduce(0) { $0 << 8 | UInt64($1) }
        case .write: return 1
        case .make: return WatchedCall.writing
        }
    }

    /// The folder of a path, with links resolved; nil if there is none.
    private static func folder(of path: String) -> String? {
        var path = path[...]
        while path.hasSuffix("/"), path.count > 1 { path = path.dropLast() }
        guard let slash = path.lastIndex(of: "/") else { return nil }
        return HostProcess.resolved(slash == path.startIndex ? "/" : String(path[..<slash]))
    }
}

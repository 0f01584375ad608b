internal import CHostSystem
internal import Glibc

/// A page that a worker shares with the supervisor, in which it leaves where it died. memfd_create(2).
///
/// Plain stores reach it also when every descriptor is closed and the heap is broken.
public enum CrashPage {
    /// One frame of the thread that died.
    public struct Frame: Equatable, Sendable {
        /// The loaded file's name, without its directory.
        public let image: String
        /// Where in that file, as its symbol table counts.
        public let offset: UInt64
    }

    /// A system call that the sandbox has refused.
    public struct RefusedCall: Equatable, Sendable {
        /// Its number.
        public let call: UInt32
        /// How often it was made.
        public let times: UInt32
        /// Who made it the first time.
        public let frame: Frame
    }

    /// What is in the page. Untrusted: plugin code can write there.
    public struct Contents: Sendable {
        /// The signal that ended it; 0 for none.
        public let signal: Int32
        /// The kernel's id of the thread that got it.
        public let thread: Int32
        /// Where it was, the innermost frame first.
        public let frames: [Frame]
        /// Why the worker ended itself; empty when it did not.
        public let words: String
        /// The calls that its sandbox has refused.
        public var refused: [RefusedCall] = []

        /// What a page says.
        public init(signal: Int32, thread: Int32 = 0, frames: [Frame] = [], words: String = "") {
            self.signal = signal
            self.thread = thread
            self.frames = frames
            self.words = words
        }
    }

    /// Bytes that are mapped: whole pages.
    private static let room = 8192
    /// Bytes in the file.
    static let size = MemoryLayout<chs_crash_page>.size

    /// A new page.
    public static func make() throws(SystemError) -> Descriptor {
        let page = try Descriptor.memory("schedhost-crash")
        try page.truncate(to: Self.room, subject: "crash page")
        return page
    }

    /// Maps the page for the rest of the process, and from now on notes fatal signals in it, at which the sending side of
    /// the socket `channel` is shut down, so that whoever reads there looks at the page. A child of this process that does
    /// not execute another program ends by such a signal as it would anywhere. Call it on the main thread before plugin
    /// code runs. shutdown(2).
    public static func watch(_ descriptor: consuming Descriptor, channel: Int32) throws(SystemError) {
        let address = unsafe mmap(nil, Self.room, PROT_READ | PROT_WRITE, MAP_SHARED, descriptor.raw, 0)
        guard let address = unsafe address, unsafe address != MAP_FAILED else {
            throw SystemError("mmap", "crash page")
        }
        _ = chs_crash_give_stack()
        unsafe chs_crash_watch(address.assumingMemoryBound(to: chs_crash_page.self), channel)
    }

    /// Notes why the process is about to end itself; the first words stay.
    public static func say(_ words: String) { unsafe chs_crash_say(words) }

    /// Reads a page; nil when it is shorter than one.
    public static func read(_ descriptor: borrowing Descriptor) -> Contents? {
        guard let bytes = try? descriptor.read(count: size, at: 0, subject: "crash page") else { return nil }
        return contents(bytes)
    }

    /// A page from its bytes: any bytes.
    public static func contents(_ bytes: [UInt8]) -> Contents? {
        guard bytes.count >= size else { return nil }
        func number(_ offset: Int, _ count: Int) -> UInt64 {
            bytes[offset..<offset + count].reversed().reduce(0) { $0 << 8 | UInt64($1) }
        }
        func text(_ offset: Int, _ count: Int) -> String {
            String(decoding: bytes[offset..<offset + count].prefix { $0 != 0 }, as: UTF8.self)
        }
        let words = 16
        let frames = words + Int(CHS_CRASH_WORDS)
        let step = MemoryLayout<chs_crash_frame>.stride
        let count = min(Int(number(8, 4)), Int(CHS_CRASH_FRAMES))
        func frame(at start: Int) -> Frame {
            Frame(image: text(start + 8, Int(CHS_CRASH_IMAGE)), offset: number(start, 8))
        }
        let calls = frames + Int(CHS_CRASH_FRAMES) * step
        let size = MemoryLayout<chs_refused_call>.stride
        var contents = Contents(
            signal: Int32(truncatingIfNeeded: number(0, 4)), thread: Int32(truncatingIfNeeded: number(4, 4)),
            frames: (0..<count).map { frame(at: frames + $0 * step) }, words: text(words, Int(CHS_CRASH_WORDS)))
        for start in stride(from: calls, to: calls + Int(CHS_REFUSED_CALLS) * size, by: size)
        where number(start + 12, 4) == 2 {
            contents.refused.append(
                RefusedCall(
                    call: UInt32(number(start, 4)), times: UInt32(number(start + 8, 4)), frame: frame(at: start + 32)))
        }
        return contents
    }
}

extension Thread {
    /// Gives the calling thread a stack for signal handlers, and calls `ended` if it ends before `mayEnd`, as by a
    /// plugin's pthread_exit(3). sigaltstack(2).
    public static func mustStay(orElse ended: @escaping @convention(c) () -> Void) {
        _ = chs_crash_give_stack()
        chs_thread_must_stay(ended)
    }

    /// Undoes `mustStay`, on the same thread.
    public static func mayEnd() {
        chs_thread_may_end()
        chs_crash_take_stack()
    }
}

/// A function's name as people write it, from the linker's: demangled if it is one of C++ or Swift.
public func functionName(_ symbol: String) -> String {
    guard let name = unsafe chs_demangle(symbol) else { return symbol }
    defer { unsafe free(name) }
    return unsafe String(cString: name)
}

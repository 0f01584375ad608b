internal import CHostSystem
internal import Glibc

/// A page of memory shared by a worker and the supervisor, in which the worker notes where it died. memfd_create(2).
///
/// The worker fills it with plain stores, which work even if every descriptor is closed and the heap is corrupt.
public enum CrashPage {
    /// One frame of the thread that died.
    public struct Frame: Equatable, Sendable {
        /// The name of the loaded file, without its directory.
        public let image: String
        /// The address within that file, as its symbol table counts.
        public let offset: UInt64
    }

    /// A system call that the sandbox refused.
    public struct RefusedCall: Equatable, Sendable {
        /// The system call number.
        public let call: UInt32
        /// How often it was refused.
        public let times: UInt32
        /// The frame that made it the first time.
        public let frame: Frame
    }

    /// The decoded content of a page. Untrusted: plugin code can write to it.
    public struct Contents: Sendable {
        /// The number of the signal that ended the process; 0 if there was none.
        public let signal: Int32
        /// The kernel's id of the thread that received the signal.
        public let thread: Int32
        /// The stack of that thread, innermost frame first.
        public let frames: [Frame]
        /// The reason why the worker ended itself; empty if it did not.
        public let words: String
        /// The system calls that the sandbox refused.
        public var refused: [RefusedCall] = []

        /// Makes a content from its parts.
        public init(signal: Int32, thread: Int32 = 0, frames: [Frame] = [], words: String = "") {
            self.signal = signal
            self.thread = thread
            self.frames = frames
            self.words = words
        }
    }

    /// The size of the mapping in bytes, in whole pages.
    private static let room = 8192
    /// The size of the page's data in bytes.
    static let size = MemoryLayout<chs_crash_page>.size

    /// Creates an empty page.
    public static func make() throws(SystemError) -> Descriptor {
        let page = try Descriptor.memory("schedhost-crash")
        try page.truncate(to: Self.room, subject: "crash page")
        return page
    }

    /// Maps the page for the rest of the process's life, and installs handlers that note fatal signals in it.
    ///
    /// The handler also shuts down the sending side of the socket `channel`, so that its reader knows of the crash and
    /// looks at the page. In a forked child that does not execute another program, such a signal has its usual effect
    /// only. Call it on the main thread before plugin code runs. shutdown(2).
    ///
    /// `report` is the descriptor for the crash report, which programs inherit only once the process has crashed.
    ///
    /// `needsRoom`: control groups limit this process, so the report must wait until the supervisor has extended them and
    /// has called `sayRoomIsMade`.
    public static func watch(
        _ descriptor: consuming Descriptor, channel: Int32, report: Int32?, needsRoom: Bool
    ) throws(SystemError) {
        let address = unsafe mmap(nil, Self.room, PROT_READ | PROT_WRITE, MAP_SHARED, descriptor.raw, 0)
        guard let address = unsafe address, unsafe address != MAP_FAILED else {
            throw SystemError("mmap", "crash page")
        }
        _ = chs_crash_give_stack()
        let page = unsafe address.assumingMemoryBound(to: chs_crash_page.self)
        if needsRoom { unsafe page.pointee.room = UInt32(CHS_ROOM_WANTED) }
        unsafe chs_crash_watch(page, channel, report ?? -1)
    }

    /// Notes why this process is about to end itself. Only the first call counts.
    public static func say(_ words: String) { unsafe chs_crash_say(words) }

    /// Lets a worker that waits for room begin its report. A page that its worker has spoiled may refuse it: then the
    /// worker begins by itself after 0.1 s.
    public static func sayRoomIsMade(_ descriptor: borrowing Descriptor) {
        var made = UInt32(CHS_ROOM_MADE)
        let place = MemoryLayout<chs_crash_page>.offset(of: \.room) ?? 0
        _ = unsafe pwrite(descriptor.raw, &made, MemoryLayout<UInt32>.size, off_t(place))
    }

    /// How many system calls were refused so far, as the worker counts. Cheaper than reading the page, which tells which.
    public static func refusals(_ descriptor: borrowing Descriptor) -> UInt32 {
        var count: UInt32 = 0
        let place = MemoryLayout<chs_crash_page>.offset(of: \.refusals) ?? 0
        let size = MemoryLayout<UInt32>.size
        return unsafe pread(descriptor.raw, &count, size, off_t(place)) == size ? count : 0
    }

    /// Reads and decodes a page; nil if the file is too short.
    public static func read(_ descriptor: borrowing Descriptor) -> Contents? {
        guard let bytes = try? descriptor.read(count: size, at: 0, subject: "crash page") else { return nil }
        return contents(bytes)
    }

    /// Decodes a page. Accepts any bytes; nil if there are too few.
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
    /// Gives the calling thread a stack for signal handlers, and calls `ended` if the thread ends before `mayEnd`, for
    /// example because a plugin calls pthread_exit(3). sigaltstack(2).
    public static func mustStay(orElse ended: @escaping @convention(c) () -> Void) {
        _ = chs_crash_give_stack()
        chs_thread_must_stay(ended)
    }

    /// Undoes `mustStay`. Call it on the same thread.
    public static func mayEnd() {
        chs_thread_may_end()
        chs_crash_take_stack()
    }
}

/// A function's name as in its source: demangles the symbol if it is one of C++ or Swift.
public func functionName(_ symbol: String) -> String {
    guard let name = unsafe chs_demangle(symbol) else { return symbol }
    defer { unsafe free(name) }
    return unsafe String(cString: name)
}

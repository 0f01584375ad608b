import Glibc
import HostStore
import HostSystem
import HostValues
import Synchronization
import Testing

/// A save writes over a file that was a value's: nobody may see that. On a real file system.
@Suite("The spare file of the caches")
struct CacheSpareTests {
    private static let options = unsafe CacheOptions(expire: 1_000_000_000_000)

    private static func cache(_ state: any CacheFolder) throws -> HostCache {
        try CacheNamespace(
            plugin: "p", routine: "r", budget: CacheBudget(), place: CachePlace(state, of: .state),
            environment: CacheEnvironment(clock: SystemClock())
        ).open("x", options, isOnDisk: true).get()
    }

    private static func folder(_ state: any CacheFolder) throws -> any CacheFolder {
        try state.folder("cache", create: false).folder("v1", create: false).folder("p", create: false)
            .folder("r", create: false)
    }

    private static func bytes(_ file: any CacheFile) throws -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: try file.size())
        let count = unsafe try bytes.withUnsafeMutableBytes { unsafe try file.read(into: $0, at: 0) }
        return Array(bytes.prefix(count))
    }

    @Test("whoever has a file open goes on reading what it was, however many saves come")
    func open() throws {
        try withScratch { state in
            let cache = try Self.cache(try state())
            try cache.put([1]).get()
            let folder = try Self.folder(try state())
            for number in 2...9 as ClosedRange<UInt8> {
                let file = try folder.open("x.shc")
                let before = try Self.bytes(file)
                for _ in 0..<3 { try cache.put([number]).get() }
                #expect(try Self.bytes(file) == before)
                try file.close()
            }
            #expect(try folder.names() == ["lock", "spare.tmp", "x.shc"])
        }
    }

    @Test("the former file of a large value has no name any more, and who has it open goes on reading it")
    func large() throws {
        try withScratch { state in
            let cache = try Self.cache(try state())
            func value(_ number: UInt8) -> [UInt8] { [UInt8](repeating: number, count: 1_200_000) }
            try cache.put([1]).get()
            let folder = try Self.folder(try state())
            for number in 2...5 as ClosedRange<UInt8> {
                let file = try folder.open("x.shc")
                let before = try Self.bytes(file)
                try cache.put(value(number)).get()
                #expect(try folder.names() == ["lock"] + (number == 2 ? ["spare.tmp"] : []) + ["x.shc"])
                // A worker that finds it on the disk uses the file's pages, also after the next save.
                let other = try Self.cache(try state())
                let found = try other.peek().get().value
                try cache.put(value(number + 100)).get()
                #expect(try folder.names() == ["lock", "x.shc"])
                #expect(found.array == value(number))
                #expect(try Self.bytes(file) == before)
                try file.close()
            }
            try cache.put([6]).get()
            #expect(try Self.cache(try state()).peek().bytes == [6])
            #expect(cache.counters().saveFailures == 0)
        }
    }

    @Test(
        "so does a program that knows nothing of the host: by a descriptor, a copy of one, a mapping", arguments: 0..<3)
    func plain(_ way: Int) throws {
        try withScratch { state in
            let cache = try Self.cache(try state())
            let size = 100_000
            func put(_ number: UInt8) throws { try cache.put([UInt8](repeating: number, count: size)).get() }
            for number in 1...2 as ClosedRange<UInt8> { try put(number) }
            let path = try Self.path(try Self.folder(try state())) + "/x.shc"
            for number in 3...6 as ClosedRange<UInt8> {
                var file = unsafe Glibc.open(path, O_RDONLY)
                var mapping: UnsafeMutableRawPointer?
                var buffer = [UInt8](repeating: 0, count: size + 4096)
                switch way {
                case 1:
                    let copy = dup(file)
                    close(file)
                    file = copy
                case 2:
                    unsafe mapping = mmap(nil, size, PROT_READ, MAP_SHARED, file, 0)
                    close(file)
                default: break
                }
                for _ in 0..<3 { try put(number) }
                if let mapping = unsafe mapping {
                    // The header is in front of the value.
                    #expect(unsafe mapping.load(fromByteOffset: size - 1, as: UInt8.self) == number - 1)
                    unsafe munmap(mapping, size)
                } else {
                    let count = unsafe pread(file, &buffer, buffer.count, 0)
                    #expect(count > size && buffer[count - 1] == number - 1 && buffer[count - size] == number - 1)
                    close(file)
                }
            }
            #expect(cache.counters().saveFailures == 0)
        }
    }

    private static func put(_ numbers: ClosedRange<UInt8>, into cache: HostCache) throws {
        for number in numbers { try cache.put([number]).get() }
    }

    /// What a descriptor of this process refers to.
    private static func target(of number: Int32) -> String {
        var buffer = [CChar](repeating: 0, count: 4096)
        let count = unsafe readlink("/proc/self/fd/\(number)", &buffer, buffer.count)
        return String(decoding: buffer.prefix(max(count, 0)).map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    private static func isWritten(_ number: Int32) -> Bool { fcntl(number, F_GETFL) & O_ACCMODE == O_WRONLY }

    /// Of the files of a folder, those that this process has open to write to, and of these those without a name.
    private static func written(in path: String) -> (all: Int, removed: Int) {
        let targets = (0..<4096 as Range<Int32>).filter { isWritten($0) }.map { target(of: $0) }
            .filter { $0.hasPrefix(path + "/") }
        return (targets.count, targets.count { $0.hasSuffix(" (deleted)") })
    }

    @Test("the two files of a value that is saved again and again stay open, and are closed when one is removed")
    func kept() throws {
        try withScratch { state in
            let cache = try Self.cache(try state())
            try Self.put(1...9, into: cache)
            let folder = try Self.folder(try state())
            let path = try Self.path(folder)
            #expect(Self.written(in: path) == (2, 0))
            #expect(try folder.names() == ["lock", "spare.tmp", "x.shc"])
            // Another file in the place of the spare is written over, or replaced; not the one that is open.
            #expect(unsafe rename("\(path)/spare.tmp", "\(path)/mine") == 0)
            let mine = try Self.bytes(try folder.open("mine"))
            for number in 10...14 as ClosedRange<UInt8> {
                try cache.put([number]).get()
                #expect(try Self.cache(try state()).peek().bytes == [number])
            }
            #expect(try Self.bytes(try folder.open("mine")) == mine)
            try Self.put(15...20, into: cache)
            #expect(Self.written(in: path) == (2, 0))
            try cache.invalidate().get()
            #expect(Self.written(in: path) == (0, 0), "the space of what was removed is free")
            try Self.put(1...9, into: cache)
            #expect(Self.written(in: path) == (2, 0))
            #expect(cache.counters().saveFailures == 0)
        }
    }

    @Test("a file that a plugin has under the number of one that it has closed is not written to")
    func closed() throws {
        try withScratch { state in
            let cache = try Self.cache(try state())
            try Self.put(1...9, into: cache)
            let path = try Self.path(try Self.folder(try state()))
            let own = path + "/own"
            let numbers = (0..<4096 as Range<Int32>).filter {
                Self.target(of: $0).hasPrefix(path + "/") && Self.isWritten($0)
            }
            #expect(numbers.count == 2)
            let file = unsafe Glibc.open(own, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
            #expect(unsafe write(file, "mine", 4) == 4)
            for number in numbers { #expect(dup2(file, number) == number) }
            for number in 10...14 as ClosedRange<UInt8> {
                try cache.put([number]).get()
                #expect(try Self.cache(try state()).peek().bytes == [number])
            }
            var bytes = [UInt8](repeating: 0, count: 100)
            // Without waiting: a lease that was left on it would have others wait.
            let read = unsafe Glibc.open(own, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
            #expect(unsafe Glibc.read(read, &bytes, bytes.count) == 4 && bytes.starts(with: "mine".utf8))
            close(read)
            for number in numbers { #expect(close(number) == 0, "what the plugin has open stays so") }
            close(file)
        }
    }

    @Test("who reads a file that is being written over ends no process, however often it was written over before")
    func signal() throws {
        try withScratch { state in
            let cache = try Self.cache(try state())
            try Self.put(1...2, into: cache)
            let folder = try Self.folder(try state())
            let path = try Self.path(folder) + "/spare.tmp"
            for _ in 0..<3 {
                let spare = try #require(folder.reopen(FileName("spare.tmp")))
                let number = try #require((0..<4096 as Range<Int32>).first { Self.target(of: $0) == path })
                let getSignal: Int32 = 11  // F_GETSIG, declared for _GNU_SOURCE only
                #expect(fcntl(number, getSignal) == SIGURG, "SIGIO, which is usual, would end the process")
                #expect(unsafe Glibc.open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC) == -1 && errno == EAGAIN)
                try spare.close()
                let read = unsafe Glibc.open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC)
                #expect(read >= 0, "the lease has ended")
                close(read)
            }
        }
    }

    @Test("large files are not kept open, nor those of many keys, nor those of a folder in which another process saves")
    func notKept() throws {
        try withScratch { state in
            let cache = try Self.cache(try state())
            let path = try {
                try cache.put([1]).get()
                return try Self.path(try Self.folder(try state()))
            }()
            for number in 1...4 as ClosedRange<UInt8> {
                try cache.put([UInt8](repeating: number, count: 140_000)).get()
            }
            #expect(Self.written(in: path).all == 0)
            for _ in 0..<3 {
                for key in 0...99 as ClosedRange<UInt8> { try cache.put([key], key: [key]).get() }
            }
            #expect(Self.written(in: path).all == 0)
            try Self.put(1...4, into: cache)
            #expect(Self.written(in: path).all > 0)
            let other = try Self.cache(try state())
            for number in 5...20 as ClosedRange<UInt8> {
                try (number % 2 == 0 ? cache : other).put([number]).get()
            }
            #expect(Self.written(in: path).all == 0)
            #expect(try Self.cache(try state()).peek().bytes == [20])
        }
    }

    @Test("a file that is being written over is not read, and not taken for a damaged one")
    func held() throws {
        try withScratch { state in
            try Self.cache(try state()).put([1]).get()
            let folder = try Self.folder(try state())
            let other = try Self.cache(try state())
            let writer = try #require(folder.reopen(FileName("x.shc")))
            #expect(throws: SystemError.self) { try folder.open("x.shc") }
            #expect(other.peek().error == .notFound)
            let report = CacheInspector(state: try state(), clock: SystemClock()).list()
            #expect(report.files.isEmpty && report.errors.first?.isHeld == true)
            try writer.close()
            #expect(other.peek().bytes == [1])
            #expect(other.counters().corrupt == 0)
            #expect(CacheInspector(state: try state(), clock: SystemClock()).list().files.first?.value?.size == 1)
        }
    }

    @Test("a link, a second name, a directory, a pipe where the spare was: none is written to")
    func notASpare() throws {
        try withScratch { state in
            let cache = try Self.cache(try state())
            for number in 1...2 as ClosedRange<UInt8> { try cache.put([number]).get() }
            let folder = try Self.folder(try state())
            let path = try Self.path(folder)
            // Whoever keeps a value's file under another name keeps that value.
            #expect(unsafe link("\(path)/x.shc", "\(path)/kept") == 0)
            let kept = try Self.bytes(try folder.open("kept"))
            for number in 3...6 as ClosedRange<UInt8> { try cache.put([number]).get() }
            #expect(try Self.bytes(try folder.open("kept")) == kept)
            for make in [
                { unsafe symlink("kept", "\(path)/spare.tmp") }, { unsafe mkfifo("\(path)/spare.tmp", 0o600) },
                { unsafe mkdir("\(path)/spare.tmp", 0o700) },
            ] {
                // Unless who came last has swept it.
                try? folder.remove("spare.tmp")
                #expect(make() == 0)
                for number in 7...9 as ClosedRange<UInt8> { try cache.put([number]).get() }
                #expect(try Self.cache(try state()).peek().bytes == [9])
            }
            #expect(cache.counters().saveFailures == 0)
            #expect(try Self.bytes(try folder.open("kept")) == kept)
            #expect(unsafe rmdir("\(path)/spare.tmp") == 0)
        }
    }

    /// The path of a folder, which an error of it tells.
    private static func path(_ folder: any CacheFolder) throws -> String {
        do {
            _ = try folder.status("-")
        } catch let error {
            let parts = error.description.split(separator: " ").map { String($0) }
            if let path = parts.first(where: { $0.contains("/r/-") }), let start = path.firstIndex(of: "/") {
                return String(path[start...].prefix { $0 != ":" }.dropLast(2))
            }
        }
        throw SystemError.notRegular("no path")
    }

    @Test(
        "two writers and two readers at once, of several pages: each value is whole, none is taken for damaged",
        arguments: [40_000, 100_000])
    func race(_ size: Int) throws {
        try withScratch { state in
            let writers = [try Self.cache(try state()), try Self.cache(try state())]
            try writers[0].put([UInt8](repeating: 0, count: size)).get()
            let writing = Atomic(2)
            let seen = Shared<Set<UInt8>>([])
            let states = [try state(), try state(), try state(), try state()]
            try CacheFlightTests.threads(4) { index in
                if index < 2 {
                    for number in 0..<1000 {
                        let bytes = [UInt8](repeating: UInt8(truncatingIfNeeded: number), count: size - number % 7)
                        _ = writers[index].put(bytes)
                    }
                    writing.subtract(1, ordering: .relaxed)
                    return
                }
                while writing.load(ordering: .relaxed) > 0 {
                    // A new namespace has nothing in memory: it reads the file.
                    guard let cache = try? Self.cache(states[index]), let bytes = cache.peek().bytes else {
                        Issue.record("there is always a value")
                        return
                    }
                    #expect(Set(bytes).count == 1 && (size - 6...size).contains(bytes.count))
                    #expect(cache.counters().corrupt == 0)
                    seen.change { _ = $0.insert(bytes[0]) }
                }
            }
            #expect(seen.value.count > 1)
            #expect(writers.allSatisfy { $0.counters().saveFailures == 0 })
        }
    }
}

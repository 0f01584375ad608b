import Glibc
import HostSystem

/// A directory of a test's own, under /tmp, removed with the value.
struct Scratch: ~Copyable {
    let directory: Directory

    init() throws {
        directory = try Directory.makeTemporary("schedhost-system", in: "/tmp")
    }

    deinit {
        for name in (try? directory.names()) ?? [] {
            if (try? directory.remove(name)) == nil { try? directory.removeDirectory(name) }
        }
        _ = unsafe rmdir(directory.path)
    }
}

/// Starts a program with its standard output in a pipe, and gives the child with the pipe's end.
struct Captured: ~Copyable {
    let child: ChildProcess
    let output: Descriptor

    init(_ arguments: [String]) throws {
        let pipe = try DescriptorPair.pipe()
        let standardOutput: [(from: Int32, to: Int32)] = [(from: pipe.second.raw, to: 1)]
        let started = try ChildProcess(
            .init(
                executable: arguments.first ?? "", arguments: arguments, environment: ["PATH=/usr/bin:/bin"],
                descriptors: standardOutput))
        let end = try pipe.first.duplicate()
        child = started
        output = end
    }

    /// All that it writes until it ends.
    func text() throws -> String {
        var all: [UInt8] = []
        while true {
            var failure: SystemError?
            let bytes = unsafe [UInt8](unsafeUninitializedCapacity: 4096) { buffer, count in
                do throws(SystemError) {
                    count = try unsafe output.read(into: UnsafeMutableRawBufferPointer(buffer))
                } catch {
                    failure = error
                }
            }
            if let failure { throw failure }
            if bytes.isEmpty { return String(decoding: all, as: UTF8.self) }
            all += bytes
        }
    }

    /// How it ends, through its descriptor's readiness alone.
    func end() throws -> ProcessEnd? {
        let poller = try Poller()
        try poller.add(child.descriptor, for: .readable, token: 1)
        guard try poller.wait(milliseconds: 20_000, { _, _ in }) == 1 else { return nil }
        return child.reap()
    }
}

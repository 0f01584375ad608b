import FoundationEssentials
import Glibc
import HostInspection
import HostSystem
import HostValues
import Testing

extension EndToEnd {
    /// A directory that everybody writes to at once.
    @Suite struct RandomOperations {
        @Test func `1000 operations on 50 plugins end with exactly the right set`() async throws {
            try await Stamped.prepare()
            let scratch = try Scratch()
            var walk = Walk(plugins: scratch.plugins, seed: UInt64.random(in: 0 ... .max))
            for number in 0..<walk.count { try walk.perform(.drop, on: number) }
            let folder = scratch.path + "/traces"
            try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: false)
            try scratch.write(
                "{ sandbox: { write: [\"\(folder)\"], environment: [\"TRACE\"] } }", to: "schedhost.json5")
            let trace = folder + "/trace"
            let host = try Host("--grace", "2s", in: scratch, environment: ["TRACE": trace])
            for _ in 0..<1000 {
                try walk.step()
                try await Task.sleep(for: .microseconds(walk.pause()))
            }
            try walk.finish()
            let wanted = try walk.contents()
            try await eventually(
                """
                the right set, seed \(walk.seed)
                missing: \(wanted.filter { $0.isDisjoint(with: host.loadedContents) })
                too many: \(host.loadedContents.filter { loaded in !wanted.contains { $0.contains(loaded) } })
                \(host.log)
                """, within: .seconds(60)
            ) {
                let loaded = host.loadedContents
                return loaded.count == wanted.count && wanted.allSatisfy { !$0.isDisjoint(with: loaded) }
            }
            _ = try await host.sessions(wanted.count)
            let all = Set(try walk.whole().map { Stamped.hash($0) })
            // The last worker that was replaced may just have ended.
            try await eventually("no stale copy, seed \(walk.seed)") { Set(host.copies).isSubset(of: all) }
            #expect(host.lines(" died").isEmpty, "a worker crashed, seed \(walk.seed)")
            _ = try await host.end(by: Signals.interrupt)
            let records = try host.records
            let kinds = Set(records.map(\.reason.end))
            #expect(kinds.isSubset(of: [.reloaded, .removed, .stopped]), "\(kinds), seed \(walk.seed)")
            let started = Scratch.text(trace).split(separator: "\n").compactMap { $0.split(separator: " ").first }
            let recorded = Set(records.map { "\($0.session)" })
            #expect(recorded.count == records.count)
            #expect(Set(started.map(String.init)).subtracting(recorded).isEmpty, "a session without a record")
            // How many versions a slow machine takes up is open; each plugin began at least once.
            #expect(started.count >= walk.count)
        }
    }
}

/// Changes a directory at random.
struct Walk {
    enum Operation: CaseIterable {
        case drop, overwrite, replace, truncate, remove, rename, unsafePermissions, safePermissions, writeHalf,
            writeRest, touch
    }

    let plugins: String
    let seed: UInt64
    let count = 50
    private var random: Seeded
    private var version = 0
    /// Files that are open for writing, with what is still to be written.
    private var open: [String: (file: Box, rest: [UInt8])] = [:]

    final class Box {
        let value: Descriptor
        init(_ value: consuming Descriptor) { self.value = value }
    }

    init(plugins: String, seed: UInt64) {
        self.plugins = plugins
        self.seed = seed
        random = Seeded(seed: seed)
    }

    /// Microseconds until the next operation: some at once, some after a host has seen the last one.
    mutating func pause() -> Int { [0, 0, 500, 3000, 15_000].randomElement(using: &random) ?? 0 }

    mutating func step() throws {
        let number = Int.random(in: 0..<count, using: &random)
        try perform(Operation.allCases.randomElement(using: &random) ?? .drop, on: number)
    }

    private func path(_ number: Int, _ isOther: Bool) -> String { plugins + "/\(isOther ? "q" : "p")\(number).so" }

    private mutating func bytes(_ number: Int) throws -> [UInt8] {
        version += 1
        return try Stamped.bytes(id: number, version: version)
    }

    mutating func perform(_ operation: Operation, on number: Int) throws {
        let path = path(number, Bool.random(using: &random) && Bool.random(using: &random))
        switch operation {
        case .drop, .overwrite: try write(try bytes(number), to: path)
        case .replace:
            let temporary = plugins + "/.new"
            try write(try bytes(number), to: temporary)
            _ = unsafe chmod(temporary, 0o755)
            _ = unsafe Glibc.rename(temporary, path)
        case .truncate: try truncate(path, of: number)
        case .remove: _ = unsafe unlink(path)
        case .rename:
            if !isOpen(number) { _ = unsafe Glibc.rename(self.path(number, false), self.path(number, true)) }
        case .unsafePermissions: _ = unsafe chmod(path, 0o777)
        case .safePermissions: _ = unsafe chmod(path, 0o755)
        case .writeHalf:
            let content = try bytes(number)
            let end = Int.random(in: 1..<content.count, using: &random)
            let file = try file(path)
            try file.truncate(to: 0, subject: path)
            try file.writeAll(Array(content[..<end]), subject: path)
            let isHeld = Bool.random(using: &random)
            open[path] = isHeld ? (Box(file), Array(content[end...])) : nil
        case .writeRest:
            guard let (path, half) = open.randomElement(using: &random) else { return }
            try half.file.value.writeAll(half.rest, subject: path)
            open[path] = nil
        case .touch: _ = unsafe utimes(path, nil)
        }
    }

    /// Whether one of a plugin's two files is open for writing.
    private func isOpen(_ number: Int) -> Bool { [false, true].contains { open[path(number, $0)] != nil } }

    /// Shortens a file. Never leaves zeros in the middle of one, neither by making it longer nor by what an open one
    /// still gets: that would be a whole plugin by all that can be seen from outside, which crashes when it is loaded.
    private mutating func truncate(_ path: String, of number: Int) throws {
        let name = String(path.dropFirst(plugins.utf8.count + 1))
        guard !isOpen(number), let size = try? Directory(plugins).status(name).size, size > 0 else { return }
        _ = unsafe Glibc.truncate(path, off_t.random(in: 0..<size, using: &random))
    }

    private func file(_ path: String) throws -> Descriptor {
        try Directory(plugins).openForUpdate(String(path.dropFirst(plugins.utf8.count + 1)))
    }

    private func write(_ bytes: [UInt8], to path: String) throws {
        let file = try file(path)
        try file.truncate(to: 0, subject: path)
        try file.writeAll(bytes, subject: path)
    }

    /// Closes what is open.
    mutating func finish() throws {
        while !open.isEmpty { try perform(.writeRest, on: 0) }
    }

    /// The files that are whole, and that others cannot write.
    func whole() throws -> [[UInt8]] {
        let directory = try Directory(plugins)
        let names = try directory.names().filter { PluginFile.isCandidate($0) }
        return try names.compactMap { name in
            guard (try? PluginFile.inspect(directory, name: name)) != nil else { return nil }
            return try directory.openForReading(name).readAll(limit: 1 << 24, subject: name)
        }
    }

    /// For each plugin that must run, the contents of which one must: several files may have its name.
    func contents() throws -> [Set<String>] {
        var byID: [String: Set<String>] = [:]
        for bytes in try whole() {
            let text = String(decoding: bytes, as: UTF8.self)
            guard let place = text.firstRange(of: "plug-0") else { continue }
            byID[String(text[place.lowerBound...].prefix(13)), default: []].insert(Stamped.hash(bytes))
        }
        return Array(byID.values)
    }
}

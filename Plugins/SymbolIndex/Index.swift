internal import PluginAPI

/// The host asked to stop while the libraries were being read. Who waited for the index without being asked to stop gets
/// it as an error.
struct Stopped: Error, CustomStringConvertible {
    var description: String { "the indexing was given up, since its routine was asked to stop" }
}

/// Which library exports which symbol.
struct Index: Sendable {
    /// One library and what it exports, sorted by bytes, each name once.
    struct Library: Sendable {
        let name: String
        let symbols: [String]
    }

    private(set) var libraries: [Library] = []
    /// Files that are no shared library of this kind of machine, or are damaged.
    private(set) var skipped = 0
    /// How long the indexing took, in milliseconds.
    private(set) var loadMilliseconds = 0

    /// The bound of the stored form, in bytes.
    static var largest: Int { 12 << 20 }

    /// All libraries together.
    var symbolCount: Int { libraries.reduce(0) { $0 + $1.symbols.count } }

    /// Reads the libraries of a directory, until the index has 12 MiB: a host keeps no value over 16 MiB.
    init(directory: String, limit: Int, _ scheduler: Scheduler) throws {
        let began = ContinuousClock.now
        var size = 0
        for name in try libraryNames(in: directory).prefix(limit) {
            if scheduler.stopRequested { throw Stopped() }
            do {
                let symbols = try exportedSymbols(of: LibraryFile(directory + "/" + name), scheduler)
                size += symbols.reduce(name.utf8.count + 2) { $0 + $1.utf8.count + 1 }
                if size > Self.largest {
                    scheduler.log.warning("the index is full: \(name) and what comes after it is left out")
                    break
                }
                libraries.append(Library(name: name, symbols: symbols))
            } catch let stopped as Stopped {
                throw stopped
            } catch {
                skipped += 1
                scheduler.log.debug("\(name) is skipped: \(error)")
            }
        }
        loadMilliseconds = Int((ContinuousClock.now - began) / .milliseconds(1))
    }

    /// The names of the libraries that export a symbol.
    func libraries(exporting symbol: String) -> [String] {
        libraries.filter { contains(symbol, in: $0.symbols) }.map(\.name)
    }

    private func contains(_ symbol: String, in sorted: [String]) -> Bool {
        var range = 0..<sorted.count
        while !range.isEmpty {
            let middle = range.lowerBound + range.count / 2
            if sorted[middle] == symbol { return true }
            range =
                precedes(sorted[middle], symbol) ? middle + 1..<range.upperBound : range.lowerBound..<middle
        }
        return false
    }
}

/// The order of the symbols: by bytes.
func precedes(_ one: String, _ other: String) -> Bool {
    one.utf8.lexicographicallyPrecedes(other.utf8)
}

// MARK: The stored form

extension Index {
    /// Lines of text: the format and two numbers, then each library after a tab, its symbols below it.
    static var codec: Codec<Index> {
        Codec(identifier: 17) { index in
            var bytes = Array("symbol-index/1 \(index.skipped) \(index.loadMilliseconds)\n".utf8)
            for library in index.libraries {
                bytes += Array("\t\(library.name)\n".utf8)
                for symbol in library.symbols {
                    bytes += Array(symbol.utf8)
                    bytes.append(UInt8(ascii: "\n"))
                }
            }
            return bytes
        } decode: {
            try Index(stored: $0)
        }
    }

    private init(stored bytes: [UInt8]) throws {
        let lines = bytes.split(separator: UInt8(ascii: "\n"))
        let head = String(decoding: lines.first ?? [], as: UTF8.self).split(separator: " ")
        guard head.count == 3, head[0] == "symbol-index/1", let skipped = Int(head[1]), let time = Int(head[2]) else {
            throw Failure("the stored index is of another format")
        }
        self.skipped = skipped
        loadMilliseconds = time
        var name: String?
        var symbols: [String] = []
        for line in lines.dropFirst() {
            if line.first == UInt8(ascii: "\t") {
                if let name { libraries.append(Library(name: name, symbols: symbols)) }
                name = String(decoding: line.dropFirst(), as: UTF8.self)
                symbols = []
            } else {
                guard name != nil else { throw Failure("the stored index has symbols without a library") }
                symbols.append(String(decoding: line, as: UTF8.self))
            }
        }
        if let name { libraries.append(Library(name: name, symbols: symbols)) }
    }
}

internal import FoundationEssentials
internal import HostCore
internal import HostSystem

/// What the runtime's backtracer wrote about a crash: the thread, what happened, and the plugin's topmost frame.
struct CrashReport {
    /// The file, in `reports/`.
    let name: String
    /// The kernel's id of the thread that crashed, if it is told.
    let thread: Int32?
    /// What happened, in the backtracer's words.
    let text: String?
    /// The topmost frame outside of the system's libraries: `function (file.c:12)`.
    let frame: String?

    private struct File: Decodable {
        let description: String?
        let threads: [Thread]?

        struct Thread: Decodable {
            let crashed: Bool?
            let tid: Int32?
            let frames: [Frame]?
        }

        struct Frame: Decodable {
            let symbol: String?
            let image: String?
            let system: Bool?
            let sourceLocation: Location?
        }

        struct Location: Decodable {
            let file: String?
            let line: Int?
        }
    }

    /// Reads a report; nil when there is none, and then no empty file stays behind.
    init?(_ directory: borrowing Directory, name: String) {
        guard let file = try? directory.openForReading(name) else { return nil }
        guard let bytes = try? file.readAll(limit: 16 << 20, subject: name), !bytes.isEmpty else {
            try? directory.remove(name)
            return nil
        }
        self.name = name
        let report = try? JSONDecoder().decode(File.self, from: Data(bytes))
        let crashed = report?.threads?.first { $0.crashed == true } ?? report?.threads?.first
        thread = crashed?.tid
        text = report?.description.map { String($0.prefix(500)) }
        frame = crashed?.frames.flatMap(Self.top)
    }

    /// The topmost frame with a source line that is not the runtime's, else the topmost one with a name.
    private static func top(_ frames: [File.Frame]) -> String? {
        let own = frames.filter { $0.system != true && $0.symbol != nil }
        guard let frame = own.first(where: { $0.sourceLocation?.line ?? 0 > 0 }) ?? own.first, let symbol = frame.symbol
        else { return nil }
        guard let file = frame.sourceLocation?.file, let line = frame.sourceLocation?.line, line > 0 else { return symbol }
        return "\(symbol) (\(file.split(separator: "/").last ?? ""):\(line))"
    }
}

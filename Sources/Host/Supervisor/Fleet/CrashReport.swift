internal import FoundationEssentials
internal import HostSystem

/// What the runtime's backtracer wrote about a crash, in its JSON.
struct CrashReport: Decodable {
    /// What happened, in the backtracer's words.
    let description: String?
    let faultAddress: String?
    let platform: String?
    let architecture: String?
    let threads: [Thread]?

    struct Thread: Decodable {
        let name: String?
        let crashed: Bool?
        let frames: [Frame]?
    }

    struct Frame: Decodable {
        let kind: String?
        let address: String?
        let symbol: String?
        let offset: Int?
        let description: String?
        let image: String?
        let system: Bool?
        let runtimeFailure: Bool?
        let sourceLocation: Location?
    }

    struct Location: Decodable {
        let file: String?
        let line: Int?
    }

    /// The largest report that is read, bytes.
    static let limit = 16 << 20

    /// Reads a report; nil for bytes that are none.
    init?(_ bytes: [UInt8]) {
        guard let report = try? JSONDecoder().decode(CrashReport.self, from: Data(bytes)) else { return nil }
        self = report
    }

    /// The frames of the thread that crashed, the innermost first.
    var frames: [Frame] {
        let all = threads ?? []
        return (all.first { $0.crashed == true } ?? all.first)?.frames ?? []
    }
}

extension CrashReport.Frame {
    /// The function's name as people write it.
    var function: String? {
        guard let symbol else { return nil }
        guard let description else { return symbol }
        let end = " + \(offset ?? 0)"
        return description.hasSuffix(end) ? String(description.dropLast(end.count)) : description
    }

    /// The source's file name and line, if they are known.
    var place: String? {
        guard let file = sourceLocation?.file, let line = sourceLocation?.line, line > 0 else { return nil }
        return "\(file.split(separator: "/").last ?? ""):\(line)"
    }

    /// `function (file.c:12)`.
    var text: String? { function.map { function in place.map { "\(function) (\($0))" } ?? function } }
}

/// Where a worker died: the plugin's innermost frame, from all that is known.
enum CrashFrame {
    /// A frame of the crash page with its function's linker name, and with its line when the file has that.
    typealias Named = (image: String, symbol: String?, place: String?)

    /// The innermost frame of a plugin, as `function (file.c:12)`; nil when nothing is known of one.
    ///
    /// The page comes from the unwind tables and is right about which function. The report, which follows frame pointers,
    /// skips functions whose callee has none; where it has the function, it also has the line of what was inlined there.
    static func top(_ report: CrashReport?, _ page: [Named]) -> String? {
        let frames = report?.frames ?? []
        let certain = page.first { !isSystem($0.image) && $0.symbol != nil }
        let own = frames.filter { frame in
            frame.symbol != nil && frame.runtimeFailure != true && frame.system != true
                && !isSystem(frame.image ?? "")
        }
        guard let certain, let symbol = certain.symbol else {
            return (own.first { $0.place != nil } ?? own.first)?.text
        }
        // What was inlined into that function comes before it, and is the better place.
        if let place = own.firstIndex(where: { $0.symbol == symbol }),
            let frame = own[...place].first(where: { $0.place != nil })
        {
            return frame.text
        }
        let function = functionName(symbol)
        return certain.place.map { "\(function) (\($0))" } ?? function
    }

    private static let systemPrefixes = [
        "libc.", "libc-", "ld-linux", "libm.", "libpthread.", "librt.", "libdl.", "libstdc++.", "libc++.", "libgcc_s.",
        "libswift", "libFoundation", "lib_Foundation", "lib_Internationalization", "libdispatch.", "libBlocksRuntime.",
        "linux-vdso", "[vdso]", "schedhost",
    ]

    /// Whether a loaded file is the system's or ours, and no plugin's.
    static func isSystem(_ image: String) -> Bool {
        image.isEmpty || image == "exe" || systemPrefixes.contains { image.hasPrefix($0) }
    }
}

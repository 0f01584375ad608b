internal import HostSystem
internal import HostValues

/// A crash report of the runtime's backtracer, parsed from JSON. Untrusted: the plugin can write any bytes there.
///
/// Only one thread is kept, without unneeded fields, so that a parsed report takes little more memory than its bytes.
struct CrashReport {
    /// When, in the backtracer's words.
    private(set) var timestamp: String?
    private(set) var kind: String?
    /// What happened, in its words.
    private(set) var description: String?
    private(set) var faultAddress: String?
    private(set) var platform: String?
    private(set) var architecture: String?
    /// The frames of the crashed thread, innermost first; of the first thread, if none is marked as crashed.
    private(set) var frames: [Frame] = []

    struct Frame {
        fileprivate(set) var kind: String?
        fileprivate(set) var address: String?
        fileprivate(set) var symbol: String?
        fileprivate(set) var offset: Int64?
        fileprivate(set) var description: String?
        fileprivate(set) var image: String?
        fileprivate(set) var isSystem = false
        fileprivate(set) var isRuntimeFailure = false
        fileprivate(set) var file: String?
        fileprivate(set) var line: Int64?
    }

    /// The largest report that is read, in bytes; the report of a single thread takes less than a tenth of that.
    static let limit = 1 << 20
    /// The largest number of frames kept.
    private static let mostFrames = 256

    /// Parses a report; nil if the bytes are not one.
    init?(_ bytes: [UInt8]) {
        var cursor = JSONCursor(bytes, in: 0..<bytes.count)
        do throws(JSONFault) {
            var threads = 0
            var isFound = false
            try cursor.object { (cursor, name) throws(JSONFault) in
                switch name {
                case "timestamp": timestamp = try cursor.textOrNull()
                case "kind": kind = try cursor.textOrNull()
                case "description": description = try cursor.textOrNull()
                case "faultAddress": faultAddress = try cursor.textOrNull()
                case "platform": platform = try cursor.textOrNull()
                case "architecture": architecture = try cursor.textOrNull()
                case "threads" where try !cursor.null():
                    try cursor.list { (cursor) throws(JSONFault) in
                        let thread = try Self.thread(&cursor)
                        if !isFound, thread.isCrashed || threads == 0 { frames = thread.frames }
                        isFound = isFound || thread.isCrashed
                        threads += 1
                    }
                case "threads": break
                default: try cursor.skip()
                }
            }
            try cursor.finish()
        } catch {
            return nil
        }
    }

    private static func thread(_ cursor: inout JSONCursor) throws(JSONFault) -> (isCrashed: Bool, frames: [Frame]) {
        var isCrashed = false
        var frames: [Frame] = []
        try cursor.object { (cursor, name) throws(JSONFault) in
            switch name {
            case "crashed": isCrashed = try cursor.flagOrNull()
            case "frames" where try !cursor.null():
                try cursor.list { (cursor) throws(JSONFault) in
                    if frames.count < mostFrames { frames.append(try Frame(&cursor)) } else { try cursor.skip() }
                }
            case "frames": break
            default: try cursor.skip()
            }
        }
        return (isCrashed, frames)
    }
}

extension CrashReport.Frame {
    fileprivate init(_ cursor: inout JSONCursor) throws(JSONFault) {
        try cursor.object { (cursor, name) throws(JSONFault) in
            switch name {
            case "kind": kind = try cursor.textOrNull()
            case "address": address = try cursor.textOrNull()
            case "symbol": symbol = try cursor.textOrNull()
            case "offset": offset = try cursor.null() ? nil : try cursor.signed()
            case "description": description = try cursor.textOrNull()
            case "image": image = try cursor.textOrNull()
            case "system": isSystem = try cursor.flagOrNull()
            case "runtimeFailure": isRuntimeFailure = try cursor.flagOrNull()
            case "sourceLocation" where try !cursor.null():
                try cursor.object { (cursor, name) throws(JSONFault) in
                    switch name {
                    case "file": file = try cursor.textOrNull()
                    case "line": line = try cursor.null() ? nil : try cursor.signed()
                    default: try cursor.skip()
                    }
                }
            case "sourceLocation": break
            default: try cursor.skip()
            }
        }
    }
}

extension JSONCursor {
    fileprivate mutating func textOrNull() throws(JSONFault) -> String? { try null() ? nil : try string() }
    fileprivate mutating func flagOrNull() throws(JSONFault) -> Bool { try null() ? false : try bool() }
}

extension CrashReport.Frame {
    /// The function's name as in its source.
    var function: String? {
        guard let symbol else { return nil }
        guard let description else { return symbol }
        let end = " + \(offset ?? 0)"
        return description.hasSuffix(end) ? String(description.dropLast(end.count)) : description
    }

    /// The source file's name and the line, if they are known.
    var place: String? {
        guard let file, let line, line > 0 else { return nil }
        return "\(file.split(separator: "/").last ?? ""):\(line)"
    }

    /// The frame as `function (file.c:12)`.
    var text: String? { function.map { function in place.map { "\(function) (\($0))" } ?? function } }
}

/// Finds the plugin's innermost frame in everything that is known about a worker's death.
enum CrashFrame {
    /// A frame of the crash page, with its function's linker symbol and its line, if the file has them.
    typealias Named = (image: String, symbol: String?, place: String?)

    /// The innermost frame of a plugin, as `function (file.c:12)`; nil if none is known.
    ///
    /// The page is made with unwind tables and has the right function. The report is made by following frame pointers
    /// and skips the caller of a function that has no frame pointer; but if it contains the function, it also has the
    /// line of code inlined into that.
    static func top(_ report: CrashReport?, _ page: [Named]) -> String? {
        let frames = report?.frames ?? []
        let certain = page.first { !isSystem($0.image) && $0.symbol != nil }
        let own = frames.filter { frame in
            frame.symbol != nil && !frame.isRuntimeFailure && !frame.isSystem && !isSystem(frame.image ?? "")
        }
        guard let certain, let symbol = certain.symbol else {
            return (own.first { $0.place != nil } ?? own.first)?.text
        }
        // Frames of code inlined into that function precede it, and are more precise.
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

    /// Whether a loaded file belongs to the system or to the host, and not to a plugin.
    static func isSystem(_ image: String) -> Bool {
        image.isEmpty || image == "exe" || systemPrefixes.contains { image.hasPrefix($0) }
    }
}

internal import HostValues

/// A report as it is kept and served: made anew from what was read of it, in the backtracer's names.
///
/// So it has nothing else that was in the file: no registers and no captured memory, in which a password may be (the
/// backtracer writes both whatever it is asked for), nor what a plugin has put there.
extension CrashReport {
    /// Bytes of one text; a function's name in C++ may be long.
    private static let mostOfText = 4096

    /// The object, in no more bytes than are read again.
    var json: [UInt8] {
        var count = frames.count
        var bytes = json(frames: count)
        while bytes.count > Self.limit, count > 0 {
            count /= 2
            bytes = json(frames: count)
        }
        return bytes
    }

    private func json(frames count: Int) -> [UInt8] {
        var writer = JSONWriter()
        func field(_ name: String, _ text: String?, _ writer: inout JSONWriter) {
            if let text { writer.field(name, text, limit: Self.mostOfText) }
        }
        writer.open()
        field("timestamp", timestamp, &writer)
        field("kind", kind, &writer)
        field("description", description, &writer)
        field("faultAddress", faultAddress, &writer)
        field("platform", platform, &writer)
        field("architecture", architecture, &writer)
        writer.openList("threads")
        if !frames.isEmpty {
            writer.open()
            writer.field("crashed", true)
            writer.objects("frames", of: frames.prefix(count)) { frame, writer in
                field("kind", frame.kind, &writer)
                field("address", frame.address, &writer)
                if frame.isSystem { writer.field("system", true) }
                if frame.isRuntimeFailure { writer.field("runtimeFailure", true) }
                field("symbol", frame.symbol, &writer)
                if let offset = frame.offset { writer.field("offset", offset) }
                field("description", frame.description, &writer)
                field("image", frame.image, &writer)
                if frame.file != nil || frame.line != nil {
                    writer.open("sourceLocation")
                    field("file", frame.file, &writer)
                    if let line = frame.line { writer.field("line", line) }
                    writer.close()
                }
            }
            writer.close()
        }
        writer.closeList()
        writer.close()
        return writer.bytes
    }
}

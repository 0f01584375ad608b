/// The metrics as JSON, made from their text, so that both say the same. Pure.
///
///     [{"name":"schedhost_workers","type":"gauge","help":"…","samples":[{"name":"…","labels":{"le":"1"},"value":3}]}]
public enum MetricsJSON {
    /// The metrics of a text that `MetricsText` has made; what is no such line is passed over.
    public static func json(_ text: [UInt8]) -> [UInt8] {
        var writer = JSONWriter()
        var isOpen = false
        writer.openList()
        for line in text.split(separator: UInt8(ascii: "\n")) {
            let words = line.split(separator: UInt8(ascii: " "), maxSplits: 3).map {
                String(decoding: $0, as: UTF8.self)
            }
            if words.count == 4, words[0] == "#", words[1] == "HELP" {
                if isOpen { close(&writer) }
                isOpen = true
                writer.open()
                writer.field("name", words[2])
                writer.field("help", words[3])
            } else if words.count == 4, words[0] == "#", words[1] == "TYPE" {
                writer.field("type", words[3])
                writer.openList("samples")
            } else if isOpen {
                sample(line, &writer)
            }
        }
        if isOpen { close(&writer) }
        writer.closeList()
        return writer.bytes
    }

    private static func close(_ writer: inout JSONWriter) {
        writer.closeList()
        writer.close()
    }

    /// `NAME{LABEL="VALUE",…} NUMBER`.
    private static func sample(_ line: ArraySlice<UInt8>, _ writer: inout JSONWriter) {
        guard let space = line.lastIndex(of: UInt8(ascii: " ")) else { return }
        let name = line[..<space].prefix { $0 != UInt8(ascii: "{") }
        writer.open()
        writer.field("name", String(decoding: name, as: UTF8.self))
        writer.open("labels")
        for (label, value) in labels(line[name.endIndex..<space]) { writer.field(label, value) }
        writer.close()
        let number = line[line.index(after: space)...]
        if let value = Double(String(decoding: number, as: UTF8.self)), value.isFinite {
            writer.field("value", json: Array(number))
        }
        writer.close()
    }

    private static func labels(_ text: ArraySlice<UInt8>) -> [(String, String)] {
        var labels: [(String, String)] = []
        var rest = text.dropFirst()
        while let equals = rest.firstIndex(of: UInt8(ascii: "=")) {
            let name = String(decoding: rest[..<equals], as: UTF8.self)
            rest = rest[equals...].dropFirst(2)  // the sign and the quotation mark
            var value: [UInt8] = []
            while let byte = rest.popFirst(), byte != UInt8(ascii: "\"") {
                guard byte == UInt8(ascii: "\\"), let escaped = rest.popFirst() else {
                    value.append(byte)
                    continue
                }
                value.append(escaped == UInt8(ascii: "n") ? 0x0A : escaped)
            }
            labels.append((name, String(decoding: value, as: UTF8.self)))
            rest = rest.dropFirst()  // the comma or the brace
        }
        return labels
    }
}

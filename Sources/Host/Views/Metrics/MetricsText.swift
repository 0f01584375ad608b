public import HostWire

/// The metrics in the text format of Prometheus, version 0.0.4. Pure.
public struct MetricsText: MetricsForm {
    private var text: [UInt8] = []

    /// The metrics of a status as text.
    public static func text(_ status: HostStatus) -> [UInt8] {
        var form = MetricsText()
        form.text.reserveCapacity(4096 + status.routines.count * 8192)
        return Metrics(status, as: form).form.text
    }

    mutating func family(_ name: String, type: String, help: String) {
        text += "# HELP \(name) \(help)\n# TYPE \(name) \(type)\n".utf8
    }

    mutating func sample(
        _ name: String, _ labels: MetricLabels, _ more: (name: String, value: String)?, value: MetricNumber
    ) {
        text += name.utf8
        if !labels.text.isEmpty || more != nil {
            text.append(UInt8(ascii: "{"))
            text += labels.text.utf8
            if let more {
                if !labels.text.isEmpty { text.append(UInt8(ascii: ",")) }
                text += more.name.utf8
                text += "=\"".utf8
                text += more.value.utf8
                text.append(UInt8(ascii: "\""))
            }
            text.append(UInt8(ascii: "}"))
        }
        text.append(UInt8(ascii: " "))
        switch value {
        case .count(let number): text += String(number).utf8
        case .real(let number): text += String(number).utf8
        }
        text.append(UInt8(ascii: "\n"))
    }

    /// A label's value, escaped for the text format.
    static func escaped(_ text: String) -> String {
        guard text.utf8.contains(where: { $0 == 0x22 || $0 == 0x5C || $0 == 0x0A }) else { return text }
        return String(
            text.unicodeScalars.reduce(into: String.UnicodeScalarView()) { result, scalar in
                switch scalar {
                case "\\": result += "\\\\".unicodeScalars
                case "\"": result += "\\\"".unicodeScalars
                case "\n": result += "\\n".unicodeScalars
                default: result.append(scalar)
                }
            })
    }
}

internal import HostValues
public import HostWire

/// The metrics as JSON, with the same families, samples and numbers as the text format. Pure.
///
///     [{"name":"schedhost_workers","type":"gauge","help":"…","samples":[{"name":"…","labels":{"le":"1"},"value":3}]}]
public struct MetricsJSON: MetricsForm {
    private var writer = JSONWriter()
    private var isOpen = false

    /// The metrics of a status as a JSON list.
    public static func json(_ status: HostStatus) -> [UInt8] {
        var form = MetricsJSON()
        form.writer.openList()
        var written = Metrics(status, as: form).form
        written.closeFamily()
        written.writer.closeList()
        return written.writer.bytes
    }

    mutating func family(_ name: String, type: String, help: String) {
        closeFamily()
        isOpen = true
        writer.open()
        writer.field("name", name)
        writer.field("help", help)
        writer.field("type", type)
        writer.openList("samples")
    }

    mutating func sample(
        _ name: String, _ labels: MetricLabels, _ more: (name: String, value: String)?, value: MetricNumber
    ) {
        writer.open()
        writer.field("name", name)
        writer.open("labels")
        for (label, value) in labels.pairs { writer.field(label, value) }
        if let more { writer.field(more.name, more.value) }
        writer.close()
        switch value {
        case .count(let number): writer.field("value", number)
        case .real(let number):
            // JSON has neither NaN nor infinities.
            if number.isFinite { writer.field("value", number) }
        }
        writer.close()
    }

    private mutating func closeFamily() {
        guard isOpen else { return }
        isOpen = false
        writer.closeList()
        writer.close()
    }
}

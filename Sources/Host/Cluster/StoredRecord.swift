internal import HostValues

/// The record of a session as its host keeps it in the store for the others, with the number that tells which is newer.
///
/// It is for people only: what counts is the record in the host's own files.
struct StoredRecord: Equatable {
    private static let form: UInt64 = 1
    /// The most bytes that one has.
    static let mostBytes = RecordFields.mostBytes

    /// Counts the records of its host.
    let number: UInt64
    /// The record.
    let record: SessionRecord

    init(number: UInt64, record: SessionRecord) {
        self.number = number
        self.record = record
    }

    /// As it is stored: a record that is large without its stats, and with its texts cut short.
    var bytes: [UInt8] {
        let bytes = written(record)
        return bytes.count <= Self.mostBytes ? bytes : written(record.short)
    }

    private func written(_ record: SessionRecord) -> [UInt8] {
        var writer = JSONWriter()
        writer.open()
        writer.field("form", Self.form)
        writer.field("n", number)
        writer.open("record")
        record.write(to: &writer)
        writer.close()
        writer.close()
        return writer.bytes
    }

    /// Reads one; nil for what is none, or is of a form that this host does not know.
    init?(_ bytes: [UInt8]) {
        guard bytes.count <= Self.mostBytes else { return nil }
        var found: (form: UInt64?, number: UInt64?, record: SessionRecord?) = (nil, nil, nil)
        var cursor = JSONCursor(bytes, in: 0..<bytes.count)
        do throws(JSONFault) {
            try cursor.object { (cursor, name) throws(JSONFault) in
                switch name {
                case "form": found.form = try cursor.unsigned()
                case "n": found.number = try cursor.unsigned()
                case "record": found.record = try SessionRecord(from: &cursor)
                default: try cursor.skip()
                }
            }
            try cursor.finish()
        } catch {
            return nil
        }
        guard found.form == Self.form, let number = found.number, number <= RecordFields.mostNumber,
            let record = found.record
        else { return nil }
        self.init(number: number, record: record)
    }
}

extension SessionRecord {
    /// The record without its stats, and with its texts cut so short that each of them may need an escape for each byte.
    fileprivate var short: SessionRecord {
        func cut(_ text: String) -> String { String(text.cut(to: 48)) }
        var short = self
        short.stats = Stats()
        (short.plugin, short.routine) = (cut(plugin), cut(routine))
        (short.pluginVersion, short.build) = (pluginVersion.map(cut), build.map(cut))
        (short.host, short.report) = (host.map(cut), report.map(cut))
        short.reason.text = cut(reason.text)
        short.reason.frame = reason.frame.map(cut)
        short.reason.phase = reason.phase.map(cut)
        short.reason.signal = reason.signal.map(cut)
        return short
    }
}

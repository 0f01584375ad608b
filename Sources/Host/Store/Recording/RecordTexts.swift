internal import HostSystem
public import HostValues

/// What the lines of wanted records contain, as the host writes them, so that a search passes over the others without
/// parsing them: that takes a thirtieth of the time. Pure.
///
/// A line that contains it may still be of another record. One that does not begin and end as the host's own do is never
/// passed over: somebody may have written it in another way, or it is damaged, which is told.
public struct RecordTexts: Equatable, Sendable {
    private var texts: [[UInt8]] = []

    private static let tail = UInt8(ascii: "}")

    /// Those of one session, and of all whose plugin and routine begin with these names; nil: of any.
    public init(session: SessionID? = nil, plugin: String? = nil, routine: String? = nil) {
        func add(_ name: String, _ text: String?) {
            guard let text else { return }
            var writer = JSONWriter()
            writer.field(name, text, limit: SessionRecord.longestText)
            texts.append(writer.bytes.dropLast())  // without the quotation mark: more may follow
        }
        add("session", session?.description)
        add("plugin", plugin)
        add("routine", routine)
    }

    /// Whether a line may be of a wanted record.
    func mayBe(in bytes: [UInt8], _ line: Range<Int>) -> Bool {
        if texts.allSatisfy({ ByteSearch.contains($0, in: bytes, line) }) { return true }
        return line.isEmpty || bytes[line.upperBound - 1] != Self.tail
            || RecordLine.session(in: bytes, line) == nil
    }
}

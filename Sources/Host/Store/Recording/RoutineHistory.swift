public import HostSystem
public import HostValues

/// The newest records of one routine, read from the record files when they are asked for, so that nothing is kept in
/// memory for them.
///
/// Only the newest part of the files is searched, so that the search takes milliseconds, whatever was recorded.
public struct RoutineHistory: Sendable {
    /// The largest number of records that are searched for.
    public static let most = 100
    /// The number of bytes of the files that are searched.
    public static let searched = 1 << 20

    /// The records, oldest first.
    public private(set) var records: [SessionRecord] = []
    /// Whether no older record was left out.
    public private(set) var isWhole = true

    /// Searches the files of a state directory.
    public init(
        of plugin: String, _ routine: String, in state: borrowing Directory, most: Int = Self.most,
        searched: Int = Self.searched
    ) throws(SystemError) {
        let texts = RecordTexts(plugin: plugin, routine: routine)
        var rest = searched
        var found: [SessionRecord] = []
        var isWhole = true
        try SessionFiles.lines(state, order: .newestFirst) { bytes, range, _ in
            rest -= range.count
            guard rest >= 0, found.count < most else {
                isWhole = false
                return false
            }
            if texts.mayBe(in: bytes, range), let record = try? SessionRecord(bytes, in: range),
                record.plugin == plugin, record.routine == routine
            {
                found.append(record)
            }
            return true
        }
        records = found.reversed()
        self.isWhole = isWhole
    }
}

internal import HostValues

/// The names of files that belong to one session, in the folder of reports: `PLUGIN@SESSION` and an ending.
///
/// The name of an instance contains an @ as well (`market@btc`), so a file belongs to a plugin only if nothing but a session's
/// id is between the plugin's name and the ending.
enum ReportName {
    /// The file of a plugin's session.
    static func make(_ plugin: String, _ session: SessionID, ending: String) -> String {
        "\(plugin)@\(session)\(ending)"
    }

    /// The plugin's files, oldest first, of these names in the order of the alphabet, which is that of time.
    static func all(_ names: [String], of plugin: String, ending: String) -> [String] {
        let start = plugin + "@"
        return names.filter { name in
            guard name.hasPrefix(start), name.hasSuffix(ending), name.utf8.count > start.utf8.count + ending.utf8.count
            else { return false }
            return SessionID(String(name.dropFirst(start.count).dropLast(ending.count))) != nil
        }
    }

    /// The plugin's files to remove once that of a session was saved, so that `most` stay: the oldest ones. Those of sessions
    /// that began after that one count as still older: its own was saved last, so that a clock was set back since, or it ran
    /// for long. It stays in any case, as the session's record names it.
    static func surplus(
        _ names: [String], of plugin: String, ending: String, after session: SessionID, most: Int
    ) -> ArraySlice<String> {
        let saved = make(plugin, session, ending: ending)
        let kept = all(names, of: plugin, ending: ending)
        return (kept.filter { $0 > saved } + kept.filter { $0 <= saved }).dropLast(most)
    }
}

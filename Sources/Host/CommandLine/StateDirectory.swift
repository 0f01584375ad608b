/// Finds the state directory.
public enum StateDirectory {
    /// The path: the option's value, else `$STATE_DIRECTORY` (the first one, since systemd may list several), else
    /// `$XDG_STATE_HOME/schedhost`, else `~/.local/state/schedhost`. Nil if the environment does not name a home
    /// either.
    ///
    /// A relative `$XDG_STATE_HOME` is ignored, as the XDG specification requires.
    public static func path(option: String?, environment: [String: String]) -> String? {
        func absolute(_ name: String) -> String? {
            environment[name].flatMap { $0.hasPrefix("/") ? $0 : nil }
        }
        if let option { return option }
        if let given = environment["STATE_DIRECTORY"]?.split(separator: ":").first { return String(given) }
        if let home = absolute("XDG_STATE_HOME") { return home + "/schedhost" }
        return absolute("HOME").map { $0 + "/.local/state/schedhost" }
    }
}

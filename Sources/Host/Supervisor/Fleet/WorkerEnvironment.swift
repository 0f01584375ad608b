/// Selects the environment variables for a worker with a sandbox: what programs need, but no secrets. Pure.
///
/// A value is one environment, whose names are looked at once: each worker starts with a selection from the host's.
struct WorkerEnvironment {
    private static let names: [Substring] = [
        "PATH", "HOME", "USER", "LOGNAME", "SHELL", "PWD", "LANG", "LANGUAGE", "TZ", "TZDIR", "TMPDIR",
        "GLIBC_TUNABLES", "TERM", "HOSTNAME", "INVOCATION_ID", "JOURNAL_STREAM", "VIRTUAL_ENV", "JAVA_HOME",
        "ASAN_OPTIONS", "LSAN_OPTIONS", "TSAN_OPTIONS", "UBSAN_OPTIONS",
        "LLVM_PROFILE_FILE", "XDG_CACHE_HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_STATE_HOME",
        "LD_LIBRARY_PATH", "LD_PRELOAD", "SSL_CERT_FILE", "SSL_CERT_DIR", "http_proxy", "https_proxy", "ftp_proxy",
        "all_proxy", "no_proxy", "HTTP_PROXY", "HTTPS_PROXY", "FTP_PROXY", "ALL_PROXY", "NO_PROXY",
    ]
    private static let prefixes = ["LC_", "SCHEDHOST_", "MALLOC_", "SWIFT_", "PYTHON", "OMP_"]

    /// Variables that shells, desktops and service managers set for themselves, so that they were not meant for a
    /// plugin.
    private static let others: [Substring] = [
        "_", "SHLVL", "OLDPWD", "LS_COLORS", "LESSOPEN", "LESSCLOSE", "MAIL", "COLORTERM", "EDITOR", "VISUAL", "PAGER",
        "DISPLAY", "WAYLAND_DISPLAY", "XAUTHORITY", "DBUS_SESSION_BUS_ADDRESS", "WINDOWID", "DESKTOP_SESSION",
        "SYSTEMD_EXEC_PID",
        "MANAGERPID", "container",
    ]
    private static let othersPrefixes = [
        "XDG_", "SSH_", "SUDO_", "GNOME_", "GTK_", "QT_", "KDE_", "TERM_", "VSCODE_", "MEMORY_PRESSURE_", "BASH_",
        "DEB",
    ]

    private let variables: [(name: Substring, entry: String, isKept: Bool)]

    /// Looks at the entries of an environment, each `NAME=value`.
    init(_ environment: [String]) {
        variables = environment.map { entry in
            let name = Self.name(of: entry)
            return (name, entry, Self.keeps(name, []))
        }
    }

    /// The entries that are kept, including the variables in `named`.
    func entries(with named: [String]) -> [String] {
        variables.compactMap { variable in
            variable.isKept || named.contains { variable.name == $0 } ? variable.entry : nil
        }
    }

    /// A message about withheld variables that may have been meant for plugins; nil if there are none.
    static func notice(of environment: [String], with named: [String]) -> String? {
        let withheld = environment.map(name(of:)).filter { name in
            !keeps(name, named) && !others.contains(name) && !othersPrefixes.contains { name.hasPrefix($0) }
        }
        guard let first = withheld.min() else { return nil }
        let shown = withheld.sorted().prefix(10).joined(separator: ", ")
        let more = withheld.count > 10 ? " and \(withheld.count - 10) more" : ""
        return
            "plugins do not get \(shown)\(more) of the environment: sandbox: { environment: [\"\(first)\"] } would give it"
    }

    private static func name(of entry: String) -> Substring {
        entry.utf8.firstIndex(of: UInt8(ascii: "=")).map { entry[..<$0] } ?? entry[...]
    }

    /// Whether a variable is kept.
    static func keeps(_ name: Substring, _ named: [String]) -> Bool {
        names.contains(name) || prefixes.contains { name.hasPrefix($0) } || named.contains { name == $0 }
    }
}

internal import Glibc

extension Signals {
    /// Restores a signal's default action. signal(2), `SIG_DFL`.
    public static func restoreDefault(_ number: Int32) { _ = Glibc.signal(number, SIG_DFL) }
}

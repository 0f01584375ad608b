internal import Glibc

extension Signals {
    /// Lets a signal do what it does in a program that knows nothing of it. signal(2), `SIG_DFL`.
    public static func restoreDefault(_ number: Int32) { _ = Glibc.signal(number, SIG_DFL) }
}

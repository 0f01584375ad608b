internal import Glibc

extension HostProcess {
    /// Sets a variable of the environment, or removes it if `value` is nil. Call it only while there is a single
    /// thread. setenv(3), unsetenv(3).
    public static func setEnvironment(_ name: String, _ value: String?) {
        if let value { _ = unsafe setenv(name, value, 1) } else { _ = unsafe unsetenv(name) }
    }
}

internal import HostSystem

/// One call of a store that is in progress on this thread: what it says by `schedhost_fail` stays here.
@safe final class StoreCall {
    private static let slot = ThreadSlot()

    /// What the store said last.
    private(set) var text = ""

    private init() {}

    /// Runs a call; gives what it returned, and what it said if it failed.
    static func run(_ call: () -> Int32) -> (code: Int32, text: String) {
        let run = StoreCall()
        let outer = unsafe slot.pointer
        unsafe slot.set(Unmanaged.passUnretained(run).toOpaque())
        defer { unsafe slot.set(outer) }
        let code = withExtendedLifetime(run) { call() }
        return (code, run.text)
    }

    /// Takes the text of a failure, if this thread is in such a call; whether it is.
    static func take(_ text: String) -> Bool {
        guard let pointer = unsafe slot.pointer else { return false }
        unsafe Unmanaged<StoreCall>.fromOpaque(pointer).takeUnretainedValue().text = text
        return true
    }
}

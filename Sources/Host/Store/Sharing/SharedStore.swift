public import HostValues

/// The store in which the hosts of a cluster keep values that they share. A protocol, so that tests need neither processes
/// nor a server.
///
/// Its methods are called on any thread. Each takes a bounded time, whatever the store does.
public protocol SharedStore: AnyObject, Sendable {
    /// The largest value with its header that the store takes, in bytes.
    var longestValue: Int { get }
    /// What there is of a key, without the bytes of a value of the version `known`. Nil if the store does not answer.
    func read(_ key: SharedKey, known: UInt64) -> SharedReading?
    /// Begins a load, if the records of load and value have these versions; 0: there is none.
    func begin(_ key: SharedKey, load: UInt64, value: UInt64) -> SharedAnswer
    /// Ends a load that this host has begun with that version, by this value.
    func succeed(_ key: SharedKey, begun: UInt64, _ value: SharedValue) -> SharedAnswer
    /// Ends it by a failure, after which the source is left alone for so many ns.
    func fail(_ key: SharedKey, begun: UInt64, _ failure: SharedFailure, leftAlone: Int64) -> SharedAnswer
    /// Ends it without a value, so that somebody else may begin. With `outdates` the value that there was goes too: the load has
    /// made a newer one, which the store does not get.
    func end(_ key: SharedKey, begun: UInt64, outdates: Bool) -> SharedAnswer
    /// Replaces the value, whatever there is; a load in progress ends without one.
    func put(_ key: SharedKey, _ value: SharedValue) -> SharedAnswer
    /// Removes the value; a load in progress ends without one.
    func drop(_ key: SharedKey) -> SharedAnswer
    /// Waits until then, or until the load of a key may be over. Whether that would have been told: then it need not be looked
    /// for so often.
    func wait(for key: SharedKey, until time: BootTime) -> Bool
}

extension Int {
    /// The number in the ABI's return type; Swift imports C's anonymous enumerations as `Int`.
    var code: Int32 { Int32(truncatingIfNeeded: self) }
}

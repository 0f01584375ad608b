internal import CPluginAPI

// Descriptors live as long as the process: what these functions allocate is never freed, on purpose.

/// A value at an address of its own.
func immortal<Value>(_ value: Value) -> UnsafePointer<Value> {
    let place = UnsafeMutablePointer<Value>.allocate(capacity: 1)
    unsafe place.initialize(to: value)
    return unsafe UnsafePointer(place)
}

/// A text as C sees it, NUL-terminated.
func immortal(_ text: String) -> UnsafePointer<CChar> {
    let units = text.utf8CString
    let place = UnsafeMutablePointer<CChar>.allocate(capacity: units.count)
    for (index, unit) in units.enumerated() { unsafe (place + index).initialize(to: unit) }
    return unsafe UnsafePointer(place)
}

/// A NULL-terminated list of pointers.
func immortal<Value>(list: [UnsafePointer<Value>]) -> UnsafePointer<UnsafePointer<Value>?> {
    let place = unsafe UnsafeMutablePointer<UnsafePointer<Value>?>.allocate(capacity: list.count + 1)
    for index in unsafe list.indices { unsafe (place + index).initialize(to: list[index]) }
    unsafe (place + list.count).initialize(to: nil)
    return unsafe UnsafePointer(place)
}

/// A copy of a struct that may grow: as many bytes as both sides know, the rest zero.
///
/// `Value` begins with its `struct_size`, a `uint32_t`. A host older than this overlay so has NULL for the functions
/// that it lacks. A size that ends inside a pointer is rounded down.
func copy<Value: BitwiseCopyable>(of source: UnsafePointer<Value>, into zero: Value) -> Value {
    var own = zero
    let given = unsafe Int(UnsafeRawPointer(source).load(as: UInt32.self))
    let size = given - given % MemoryLayout<Value>.alignment
    unsafe withUnsafeMutableBytes(of: &own) { bytes in
        unsafe bytes.copyMemory(
            from: UnsafeRawBufferPointer(start: source, count: min(size, bytes.count)))
    }
    return own
}

extension Duration {
    /// Whole milliseconds, rounded up, so that what is short is not taken for nothing; from 0 to `Int64.max`.
    var milliseconds: Int64 {
        let (seconds, attoseconds) = components
        if seconds < 0 || attoseconds < 0 { return 0 }
        let (whole, overflow) = seconds.multipliedReportingOverflow(by: 1000)
        if overflow { return .max }
        let part = (attoseconds + 999_999_999_999_999) / 1_000_000_000_000_000
        let (sum, tooLarge) = whole.addingReportingOverflow(part)
        return tooLarge ? .max : sum
    }

    /// Seconds with their fraction.
    var fractionalSeconds: Double {
        Double(components.seconds) + Double(components.attoseconds) * 1e-18
    }

    /// A duration from the host's seconds; what is not a number or too large becomes zero or about 292 years.
    init(fractionalSeconds seconds: Double) {
        self = seconds.isNaN ? .zero : .seconds(Swift.min(Swift.max(seconds, 0), 9.2e9))
    }
}

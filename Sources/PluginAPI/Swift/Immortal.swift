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
    let units = text.withoutNUL.utf8CString
    let place = UnsafeMutablePointer<CChar>.allocate(capacity: units.count)
    for (index, unit) in units.enumerated() { unsafe (place + index).initialize(to: unit) }
    return unsafe UnsafePointer(place)
}

extension String {
    /// Whether C would take a part of it for the whole.
    var hasNUL: Bool { utf8.contains(0) }

    /// Itself for C, with a mark in the place of each NUL: a name is refused for that, and another text shows it, where C would
    /// take what comes before for the whole.
    var withoutNUL: String {
        if !hasNUL { return self }
        var text = UnicodeScalarView()
        text.append(contentsOf: unicodeScalars.lazy.map { $0 == "\0" ? "\u{fffd}" : $0 })
        return String(text)
    }
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

    /// The same as C has it where a negative one is an error: that is past any bound there, and so refused.
    var signedMilliseconds: UInt64 {
        if self >= .zero { return UInt64(milliseconds) }
        let (seconds, attoseconds) = components
        let (whole, overflow) = seconds.multipliedReportingOverflow(by: 1000)
        let (sum, tooLong) = whole.addingReportingOverflow(attoseconds / 1_000_000_000_000_000)
        return UInt64(bitPattern: overflow || tooLong ? .min : min(sum, -1))
    }

    /// Whole milliseconds, without what is left over: a bound is never taken for a wider one. Negative ones stay so, and
    /// what is too long is `Int64.max`.
    var wholeMilliseconds: Int64 {
        let all = attoseconds
        if all < 0 { return -1 }
        // What is shorter than a week, as nearly all is that is asked for, by 64 bits: a division of 128 takes longer than
        // the rest of a hit. 1e15 is 5^15 times 2^15.
        if all >> 15 <= Int128(UInt64.max) {
            return Int64(bitPattern: UInt64(truncatingIfNeeded: all >> 15) / 30_517_578_125)
        }
        let (seconds, attoseconds) = components
        let (whole, overflow) = seconds.multipliedReportingOverflow(by: 1000)
        let (sum, tooLarge) = whole.addingReportingOverflow(attoseconds / 1_000_000_000_000_000)
        return overflow || tooLarge ? .max : sum
    }
}

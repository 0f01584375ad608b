/// The order that people expect of names: `worker-2` before `worker-10`. Pure.
public enum NaturalOrder {
    /// Whether one name comes before the other. Runs of digits are compared as numbers, everything else as bytes. If
    /// two names differ only in leading zeros, the one with fewer zeros comes first, so that the order is total.
    public static func precedes(_ one: String, _ other: String) -> Bool { compare(one, other) < 0 }

    /// Negative if `one` comes first, positive if `other` comes first, 0 only for identical bytes.
    public static func compare(_ one: String, _ other: String) -> Int {
        var (a, b) = (Array(one.utf8)[...], Array(other.utf8)[...])
        while let first = a.first, let second = b.first {
            if isDigit(first), isDigit(second) {
                let (left, right) = (takeNumber(&a), takeNumber(&b))
                if left.count != right.count { return left.count - right.count }
                if left != right { return left.lexicographicallyPrecedes(right) ? -1 : 1 }
            } else if first != second {
                return Int(first) - Int(second)
            } else {
                a.removeFirst()
                b.removeFirst()
            }
        }
        if a.count != b.count { return a.count - b.count }
        let (left, right) = (one.utf8, other.utf8)
        if left.count != right.count { return left.count - right.count }
        return left.elementsEqual(right) ? 0 : left.lexicographicallyPrecedes(right) ? -1 : 1
    }

    /// Removes the leading digits from `rest` and returns them without leading zeros.
    private static func takeNumber(_ rest: inout ArraySlice<UInt8>) -> ArraySlice<UInt8> {
        let digits = rest.prefix { isDigit($0) }
        rest = rest.dropFirst(digits.count)
        return digits.drop { $0 == UInt8(ascii: "0") }
    }

    private static func isDigit(_ byte: UInt8) -> Bool { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) }
}

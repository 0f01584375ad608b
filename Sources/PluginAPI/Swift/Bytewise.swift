internal import Glibc

/// A text that is compared by its bytes, as the host compares names and keys. Two values of `String` are the same if Unicode calls
/// them equivalent, such as an é of one character and one of two.
struct Bytewise: Hashable, Sendable {
    let text: String

    init(_ text: String) { self.text = text }

    static func == (one: Bytewise, other: Bytewise) -> Bool {
        // Most comparisons end here: as a rule equivalent texts have different lengths.
        guard one.text.utf8.count == other.text.utf8.count, one.text == other.text else { return false }
        let isSame = unsafe one.text.utf8.withContiguousStorageIfAvailable { one in
            unsafe other.text.utf8.withContiguousStorageIfAvailable { other in
                guard let first = one.baseAddress, let second = other.baseAddress else { return true }
                return unsafe memcmp(first, second, one.count) == 0
            }
        }
        return (isSame ?? nil) ?? one.text.utf8.elementsEqual(other.text.utf8)
    }

    func hash(into hasher: inout Hasher) { hasher.combine(text) }
}

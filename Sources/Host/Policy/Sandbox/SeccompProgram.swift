/// The answer to a system call.
enum CallAnswer: Equatable, Sendable {
    case allow
    /// The call fails with this number; see errno(3).
    case fail(UInt32)
    /// The kernel sends a signal; the worker's handler records the call and its location, and lets the call fail.
    case trap
    /// The process that watches the worker decides.
    case ask
    /// The kernel ends the process.
    case kill

    /// The return value of a filter; see seccomp(2).
    var code: UInt32 {
        switch self {
        case .allow: 0x7FFF_0000
        case .fail(let number): 0x0005_0000 | number
        case .trap: 0x0003_0000
        case .ask: 0x7FC0_0000
        case .kill: 0x8000_0000
        }
    }
}

/// A decision tree over the arguments of a call, whose leaves are answers.
indirect enum CallDecision: Equatable, Sendable {
    case answer(CallAnswer)
    case test(Test, then: CallDecision, otherwise: CallDecision)

    /// A comparison of 32 bits of an argument.
    struct Test: Equatable, Sendable {
        enum Operand: Equatable, Sendable {
            case value(UInt32)
            /// The worker's own process id, which is only known when the worker starts.
            case ownProcess
        }

        /// The index of the argument, from 0 to 5.
        var argument: Int
        /// Whether the upper 32 bits are compared instead of the lower ones.
        var isUpper = false
        /// The bits to compare.
        var mask: UInt32 = .max
        var equals: Operand

        /// Whether both compare the same bits.
        func comparesSame(as other: Test) -> Bool {
            argument == other.argument && isUpper == other.isUpper && mask == other.mask
        }
    }

    /// Decides `then` if the lower half of an argument has one of the values.
    static func whereArgument(
        _ argument: Int, mask: UInt32 = .max, isOneOf values: [UInt32], _ then: CallDecision, otherwise: CallDecision
    ) -> CallDecision {
        values.reversed().reduce(otherwise) { rest, value in
            .test(Test(argument: argument, mask: mask, equals: .value(value)), then: then, otherwise: rest)
        }
    }

    /// Decides `then` if an argument refers to the worker itself: its process id, or 0.
    static func whereOwn(_ argument: Int, _ then: CallDecision, otherwise: CallDecision) -> CallDecision {
        whereArgument(
            argument, isOneOf: [0], then,
            otherwise: .test(Test(argument: argument, equals: .ownProcess), then: then, otherwise: otherwise))
    }
}

/// A filter for system calls in the kernel's format: classic BPF, generated from a table of rules. Pure; a test
/// interprets the program. See seccomp(2).
public struct SeccompProgram: Equatable, Sendable {
    /// An instruction: struct sock_filter.
    public struct Instruction: Equatable, Sendable {
        /// The operation.
        public var code: UInt16
        /// The distance of the jump if a comparison is true.
        public var ifTrue: UInt8
        /// The distance of the jump if a comparison is false.
        public var ifFalse: UInt8
        /// The operand.
        public var operand: UInt32
    }

    /// The instructions.
    public private(set) var instructions: [Instruction] = []
    /// The instructions in the kernel's binary format.
    private(set) var bytes: [UInt8] = []
    /// The indices of the instructions whose operand must be replaced with the worker's process id.
    public private(set) var ownProcessSlots: [Int] = []

    private enum Code {
        static let load: UInt16 = 0x20
        static let jump: UInt16 = 0x05
        static let jumpIfEqual: UInt16 = 0x15
        static let jumpIfAtLeast: UInt16 = 0x35
        static let and: UInt16 = 0x54
        static let answer: UInt16 = 0x06
    }

    /// Offsets in struct seccomp_data.
    private enum Offset {
        static let number: UInt32 = 0
        static let architecture: UInt32 = 4
        static func argument(_ index: Int, upper: Bool) -> UInt32 { 16 + UInt32(index) * 8 + (upper ? 4 : 0) }
    }

    #if arch(x86_64)
        static let architecture: UInt32 = 0xC000_003E
    #else
        static let architecture: UInt32 = 0xC000_00B7
    #endif
    private static let notImplemented = CallAnswer.fail(38)

    /// Generates a filter from rules by number of the call; a call without a rule is allowed. A call of another
    /// architecture, for example a 32-bit one, ends the process, because its numbers have other meanings.
    init(_ rules: [UInt32: CallDecision], lastKnown: UInt32) {
        add(Code.load, Offset.architecture)
        add(Code.jumpIfEqual, Self.architecture, ifTrue: 1, ifFalse: 0)
        add(Code.answer, CallAnswer.kill.code)
        add(Code.load, Offset.number)
        // This covers the x32 ABI too, whose numbers are large.
        add(Code.jumpIfAtLeast, lastKnown + 1, ifTrue: 0, ifFalse: 1)
        add(Code.answer, Self.notImplemented.code)
        addTree(rules.sorted { $0.key < $1.key }[...])
        bytes.reserveCapacity(instructions.count * 8)
        for instruction in instructions {
            bytes.append(littleEndian: instruction.code)
            bytes += [instruction.ifTrue, instruction.ifFalse]
            bytes.append(littleEndian: instruction.operand)
        }
    }

    /// Generates a binary search, so that each call needs only a few comparisons.
    private mutating func addTree(_ rules: ArraySlice<(key: UInt32, value: CallDecision)>) {
        if rules.count <= 3 {
            for rule in rules {
                if case .answer(let answer) = rule.value {
                    add(Code.jumpIfEqual, rule.key, ifTrue: 0, ifFalse: 1)
                    add(Code.answer, answer.code)
                    continue
                }
                add(Code.jumpIfEqual, rule.key, ifTrue: 1, ifFalse: 0)
                let over = placeholder()
                addDecision(rule.value, after: nil)
                close(over)
            }
            return add(Code.answer, CallAnswer.allow.code)
        }
        let middle = rules.startIndex + rules.count / 2
        add(Code.jumpIfAtLeast, rules[middle].key, ifTrue: 0, ifFalse: 1)
        let upper = placeholder()
        addTree(rules[..<middle])
        close(upper)
        addTree(rules[middle...])
    }

    /// Generates the instructions for a decision; every path ends with an answer. `after` is the previous test, whose
    /// loaded value may be reused.
    private mutating func addDecision(_ decision: CallDecision, after: CallDecision.Test?) {
        switch decision {
        case .answer(let answer): add(Code.answer, answer.code)
        case .test(let test, let then, let otherwise):
            if after.map({ $0.comparesSame(as: test) }) != true {
                add(Code.load, Offset.argument(test.argument, upper: test.isUpper))
                if test.mask != .max { add(Code.and, test.mask) }
            }
            var value: UInt32 = 0
            switch test.equals {
            case .value(let known): value = known
            case .ownProcess: ownProcessSlots.append(instructions.count)
            }
            if case .answer(let answer) = then {
                add(Code.jumpIfEqual, value, ifTrue: 0, ifFalse: 1)
                add(Code.answer, answer.code)
            } else {
                add(Code.jumpIfEqual, value, ifTrue: 1, ifFalse: 0)
                let over = placeholder()
                addDecision(then, after: test)
                close(over)
            }
            addDecision(otherwise, after: test)
        }
    }

    private mutating func add(_ code: UInt16, _ operand: UInt32, ifTrue: UInt8 = 0, ifFalse: UInt8 = 0) {
        instructions.append(Instruction(code: code, ifTrue: ifTrue, ifFalse: ifFalse, operand: operand))
    }

    /// Adds a jump to the instruction that is next when `close` is called, which sets the distance.
    private mutating func placeholder() -> Int {
        add(Code.jump, 0)
        return instructions.count - 1
    }

    private mutating func close(_ jump: Int) {
        instructions[jump].operand = UInt32(instructions.count - jump - 1)
    }
}

extension [UInt8] {
    /// Appends a number in little-endian order.
    mutating func append(littleEndian number: some FixedWidthInteger) {
        for shift in stride(from: 0, to: number.bitWidth, by: 8) { append(UInt8(truncatingIfNeeded: number >> shift)) }
    }
}

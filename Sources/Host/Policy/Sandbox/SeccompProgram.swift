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

    /// Decides `then` if an argument is 0 as a whole, such as a null pointer.
    static func whereNull(_ argument: Int, _ then: CallDecision, otherwise: CallDecision) -> CallDecision {
        .test(
            Test(argument: argument, equals: .value(0)),
            then: .test(
                Test(argument: argument, isUpper: true, equals: .value(0)), then: then, otherwise: otherwise),
            otherwise: otherwise)
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
        var writer = Writer()
        let known = writer.tree(Self.ranges(rules)[...], end: lastKnown + 1)
        // This covers the x32 ABI too, whose numbers are large.
        let unknown = writer.answer(Self.notImplemented)
        writer.jump(Code.jumpIfAtLeast, lastKnown + 1, to: unknown, else: known)
        let native = writer.load(Offset.number)
        let foreign = writer.answer(.kill)
        writer.jump(Code.jumpIfEqual, Self.architecture, to: native, else: foreign)
        writer.load(Offset.architecture)
        instructions = writer.backwards.reversed()
        ownProcessSlots = writer.ownProcess.map { instructions.count - $0 }.sorted()
        bytes.reserveCapacity(instructions.count * 8)
        for instruction in instructions {
            bytes.append(littleEndian: instruction.code)
            bytes += [instruction.ifTrue, instruction.ifFalse]
            bytes.append(littleEndian: instruction.operand)
        }
    }

    /// The decision for all numbers from `first` up to the next range's.
    private struct Range {
        let first: UInt32
        let decision: CallDecision
    }

    /// Merges neighbouring numbers with the same decision: fewer ranges make a shorter program.
    private static func ranges(_ rules: [UInt32: CallDecision]) -> [Range] {
        var ranges = [Range(first: 0, decision: .answer(.allow))]
        func add(_ first: UInt32, _ decision: CallDecision) {
            if ranges.last?.first == first { ranges.removeLast() }
            if ranges.last?.decision != decision { ranges.append(Range(first: first, decision: decision)) }
        }
        for (number, decision) in rules.sorted(by: { $0.key < $1.key }) {
            add(number, decision)
            add(number + 1, .answer(.allow))
        }
        return ranges
    }

    /// Writes a program from its end to its beginning. Jumps lead forwards only, so everything that is written already can be
    /// their target, and equal parts are written once. The kernel compiles the program at each start of a worker, which takes
    /// time for each instruction.
    private struct Writer {
        /// A place in the program: the number of instructions from there to the end.
        typealias Place = Int

        /// A test that is written: its decision, and the test whose operand is loaded before it.
        private struct Part {
            let decision: CallDecision
            let loaded: CallDecision.Test?
            let place: Place
        }

        /// An answer that is written.
        private struct Answered {
            let answer: CallAnswer
            let place: Place
        }

        private(set) var backwards: [Instruction] = []
        private(set) var ownProcess: [Place] = []
        private var parts: [Part] = []
        private var answers: [Answered] = []
        /// The most instructions that a comparison can skip, with room for those that are written before it.
        private static let reach = 240

        private var place: Place { backwards.count }

        @discardableResult
        private mutating func add(_ code: UInt16, _ operand: UInt32, ifTrue: Int = 0, ifFalse: Int = 0) -> Place {
            backwards.append(
                Instruction(code: code, ifTrue: UInt8(ifTrue), ifFalse: UInt8(ifFalse), operand: operand))
            return place
        }

        @discardableResult
        mutating func load(_ offset: UInt32) -> Place { add(Code.load, offset) }

        /// A comparison. A target that is too far away is reached by an unconditional jump.
        @discardableResult
        mutating func jump(_ code: UInt16, _ value: UInt32, to then: Place, else otherwise: Place) -> Place {
            var (then, otherwise) = (then, otherwise)
            if place - then > Self.reach { then = add(Code.jump, UInt32(place - then)) }
            if place - otherwise > Self.reach { otherwise = add(Code.jump, UInt32(place - otherwise)) }
            return add(code, value, ifTrue: place - then, ifFalse: place - otherwise)
        }

        mutating func answer(_ answer: CallAnswer) -> Place {
            let known = answers.last { $0.answer == answer && place - $0.place <= Self.reach }
            if let known { return known.place }
            let written = add(Code.answer, answer.code)
            answers.append(Answered(answer: answer, place: written))
            return written
        }

        /// The number of single calls that are compared one after the other: the kernel needs more time for further
        /// instructions than for further steps.
        private static let fewCalls = 4

        /// A binary search, so that each call needs only a few comparisons. The kernel makes it once for each call at the
        /// start of each worker, so the numbers are divided evenly, not the ranges. `end` is the first number after the
        /// last range.
        mutating func tree(_ ranges: ArraySlice<Range>, end: UInt32) -> Place {
            if let place = list(ranges, end: end) { return place }
            let center = (ranges.first?.first ?? 0) / 2 + end / 2
            func distance(_ index: Int) -> UInt32 {
                let first = ranges[index].first
                return first > center ? first - center : center - first
            }
            let middle = ranges.indices.dropFirst().min { distance($0) < distance($1) } ?? ranges.startIndex
            let upper = tree(ranges[middle...], end: end)
            let lower = tree(ranges[..<middle], end: ranges[middle].first)
            return jump(Code.jumpIfAtLeast, ranges[middle].first, to: upper, else: lower)
        }

        /// All numbers have one decision but for a few single ones; nil if there are more, or longer ranges.
        private mutating func list(_ ranges: ArraySlice<Range>, end: UInt32) -> Place? {
            // Neighbours differ, so that every other range has the decision of most.
            let usual = ranges.dropFirst(ranges.count > 1 && ranges.first?.decision != .answer(.allow) ? 1 : 0).first
            let decision = usual?.decision ?? .answer(.allow)
            var others: [Range] = []
            for (index, range) in zip(ranges.indices, ranges) where range.decision != decision {
                let next = index + 1 < ranges.endIndex ? ranges[index + 1].first : end
                if next - range.first > 1 || others.count == Self.fewCalls { return nil }
                others.append(range)
            }
            var place = self.decision(decision, loaded: nil)
            for other in others {
                let passed = self.decision(other.decision, loaded: nil)
                place = jump(Code.jumpIfEqual, other.first, to: passed, else: place)
            }
            return place
        }

        /// A decision; every path ends with an answer. `loaded` is the previous test, whose loaded value may be reused.
        mutating func decision(_ decision: CallDecision, loaded: CallDecision.Test?) -> Place {
            let test: CallDecision.Test
            let (then, otherwise): (CallDecision, CallDecision)
            switch decision {
            case .answer(let answer): return self.answer(answer)
            case .test(let first, let passing, let failing): (test, then, otherwise) = (first, passing, failing)
            }
            let known = parts.last { part in
                guard place - part.place <= Self.reach, (part.loaded == nil) == (loaded == nil) else { return false }
                if let old = part.loaded, let new = loaded, !old.comparesSame(as: new) { return false }
                return part.decision == decision
            }
            if let known { return known.place }
            let failed = self.decision(otherwise, loaded: test)
            let passed = self.decision(then, loaded: test)
            var value: UInt32 = 0
            if case .value(let known) = test.equals { value = known }
            let compared = jump(Code.jumpIfEqual, value, to: passed, else: failed)
            if case .ownProcess = test.equals { ownProcess.append(compared) }
            let written: Place
            if loaded.map({ $0.comparesSame(as: test) }) == true {
                written = compared
            } else {
                if test.mask != .max { add(Code.and, test.mask) }
                written = load(Offset.argument(test.argument, upper: test.isUpper))
            }
            parts.append(Part(decision: decision, loaded: loaded, place: written))
            return written
        }
    }
}

extension [UInt8] {
    /// Appends a number in little-endian order.
    mutating func append(littleEndian number: some FixedWidthInteger) {
        for shift in stride(from: 0, to: number.bitWidth, by: 8) { append(UInt8(truncatingIfNeeded: number >> shift)) }
    }
}

@testable import HostPolicy

/// Runs a filter as the kernel does, on one call.
struct SeccompMachine {
    static let own: UInt32 = 4711
    let program: SeccompProgram

    /// What becomes of a call; nil where the filter is none that the kernel would take.
    func answer(_ call: UInt32, _ arguments: [UInt64] = [], architecture: UInt32 = SeccompProgram.architecture)
        -> UInt32?
    {
        var accumulator: UInt32 = 0
        var at = 0
        let words = arguments + [UInt64](repeating: 0, count: 6 - arguments.count)
        // Jumps lead forwards only: no more steps than instructions.
        for _ in program.instructions.indices {
            guard program.instructions.indices.contains(at) else { return nil }
            let instruction = program.instructions[at]
            let operand = program.ownProcessSlots.contains(at) ? Self.own : instruction.operand
            at += 1
            switch instruction.code {
            case 0x20:
                switch operand {
                case 0: accumulator = call
                case 4: accumulator = architecture
                default:
                    guard operand >= 16, operand < 64, operand % 4 == 0 else { return nil }
                    let word = words[Int(operand - 16) / 8]
                    accumulator = UInt32(truncatingIfNeeded: operand % 8 == 0 ? word : word >> 32)
                }
            case 0x05: at += Int(operand)
            case 0x15: at += Int(accumulator == operand ? instruction.ifTrue : instruction.ifFalse)
            case 0x35: at += Int(accumulator >= operand ? instruction.ifTrue : instruction.ifFalse)
            case 0x54: accumulator &= operand
            case 0x06: return operand
            default: return nil
            }
        }
        return nil
    }
}

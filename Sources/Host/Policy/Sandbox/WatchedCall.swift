/// A system call that names a file or an address, which a sandbox may refuse by that: where its arguments say it. Pure.
public enum WatchedCall: Equatable, Sendable {
    /// A file is opened to be written, or made. `folder`: the argument with the folder that the path begins at.
    case open(folder: Int?, path: Int, flags: Flags)
    /// A name in a folder is made, or goes.
    case entry(folder: Int?, path: Int)
    /// A socket is connected to an address.
    case connect
    /// A socket gets an address.
    case bind
    /// Any other call that a sandbox refuses.
    case other(SystemCall)

    /// How a file is opened.
    public enum Flags: Equatable, Sendable {
        /// As that argument says.
        case argument(Int)
        /// As the memory says that an argument leads to.
        case memory(Int)
        /// To write what is there.
        case write
        /// It is made.
        case make
    }

    /// The bits of open(2) by which a file is written, made or cut.
    public static let writing: UInt64 = 0x243
    /// That by which it is made.
    public static let making: UInt64 = 0x40

    /// The call of that number; nil for one that no sandbox has anything to say about.
    public init?(number: UInt32) {
        if let known = Self.naming.first(where: { Self.number($0) == number }) {
            self = known.call
        } else if let call = SystemCall(number: number) {
            self = .other(call)
        } else {
            return nil
        }
    }

    /// The calls with their numbers on x86-64 and on arm64; -1 where there is none.
    private static let naming: [(x86: Int, arm: Int, call: WatchedCall)] = [
        (2, -1, .open(folder: nil, path: 0, flags: .argument(1))),
        (257, 56, .open(folder: 0, path: 1, flags: .argument(2))),
        (437, 437, .open(folder: 0, path: 1, flags: .memory(2))), (85, -1, .open(folder: nil, path: 0, flags: .make)),
        (76, 45, .open(folder: nil, path: 0, flags: .write)),
        (83, -1, .entry(folder: nil, path: 0)), (258, 34, .entry(folder: 0, path: 1)),  // mkdir, mkdirat
        (133, -1, .entry(folder: nil, path: 0)), (259, 33, .entry(folder: 0, path: 1)),  // mknod, mknodat
        (84, -1, .entry(folder: nil, path: 0)),  // rmdir
        (87, -1, .entry(folder: nil, path: 0)), (263, 35, .entry(folder: 0, path: 1)),  // unlink, unlinkat
        (82, -1, .entry(folder: nil, path: 1)), (264, 38, .entry(folder: 2, path: 3)),  // rename, renameat
        (316, 276, .entry(folder: 2, path: 3)),  // renameat2
        (86, -1, .entry(folder: nil, path: 1)), (265, 37, .entry(folder: 2, path: 3)),  // link, linkat
        (88, -1, .entry(folder: nil, path: 1)), (266, 36, .entry(folder: 1, path: 2)),  // symlink, symlinkat
        (42, 203, .connect), (49, 200, .bind),
    ]

    private static func number(_ entry: (x86: Int, arm: Int, call: WatchedCall)) -> UInt32? {
        #if arch(x86_64)
            let number = entry.x86
        #else
            let number = entry.arm
        #endif
        return number < 0 ? nil : UInt32(number)
    }

    /// The rules of a filter that asks.
    static func rules(_ settings: SandboxSettings) -> [UInt32: CallDecision] {
        var granted = settings
        // So that a socket of the file system comes so far as to name what it is connected to.
        granted.unix = ["/"]
        granted.bind = [1]
        var rules = CallRules.rules(granted, on: .wanted).mapValues(\.asking)
        for entry in naming {
            guard let number = number(entry) else { continue }
            if case .open(_, _, .argument(let flags)) = entry.call {
                rules[number] = .whereArgument(
                    flags, mask: UInt32(writing), isOneOf: [0], .answer(.allow), otherwise: .answer(.ask))
            } else {
                rules[number] = .answer(.ask)
            }
        }
        return rules
    }
}

extension CallDecision {
    /// The same, which asks where it would refuse. What is not there at all stays so, and so do families of sockets.
    fileprivate var asking: CallDecision {
        switch self {
        case .answer(let answer):
            switch answer {
            case .fail(1), .fail(13), .trap: .answer(.ask)
            case .allow, .fail, .ask, .kill: self
            }
        case .test(let test, let then, let otherwise): .test(test, then: then.asking, otherwise: otherwise.asking)
        }
    }
}

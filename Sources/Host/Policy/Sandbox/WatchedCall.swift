/// A system call that a sandbox may refuse, with the positions of the arguments that name a file or an address. Pure.
public enum WatchedCall: Equatable, Sendable {
    /// Opens a file for writing, or creates it. `folder` is the index of the argument with the directory to which the
    /// path is relative; nil for the working directory.
    case open(folder: Int?, path: Int, flags: Flags)
    /// Creates or removes a name in a directory.
    case entry(folder: Int?, path: Int)
    /// Connects a socket to an address.
    case connect
    /// Binds a socket to an address.
    case bind
    /// Any other call that a sandbox refuses.
    case other(SystemCall)

    /// How a call states the way in which the file is opened.
    public enum Flags: Equatable, Sendable {
        /// By flags in this argument.
        case argument(Int)
        /// By flags in memory to which this argument points.
        case memory(Int)
        /// The call always opens an existing file for writing.
        case write
        /// The call always creates the file.
        case make
    }

    /// The flags of open(2) for writing, creating or truncating a file.
    public static let writing: UInt64 = 0x243
    /// The flag of open(2) for creating a file.
    public static let making: UInt64 = 0x40

    /// Creates the call with that number; nil if no sandbox refuses the call.
    public init?(number: UInt32) {
        if let known = Self.naming.first(where: { Self.number($0) == number }) {
            self = known.call
        } else if let call = SystemCall(number: number) {
            self = .other(call)
        } else {
            return nil
        }
    }

    /// The calls with their numbers on x86-64 and arm64; -1 if the architecture does not have the call.
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

    /// The rules of a filter that reports calls to a watching process.
    static func rules(_ settings: SandboxSettings) -> [UInt32: CallDecision] {
        var granted = settings
        // Sockets of the file system must be permitted here, so that the call that names their address is made at all.
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
    /// The decision with refusals replaced by asking. Unsupported calls and socket families stay refused.
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

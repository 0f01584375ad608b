extension ELFImage {
    /// The content of `.note.schedhost`: `schedhost_note` in `schedhost/abi.h`.
    struct PluginNote: Equatable {
        var abiMajor: UInt32
        var abiMinor: UInt32
        var needsMinor: UInt32
        var language: UInt32
    }

    /// The ELF notes that the host uses.
    struct Notes {
        var plugin: PluginNote?
        var buildID: String?
    }

    /// Reads the notes that the program headers list, and if none of them is a plugin note, those of the section
    /// headers.
    mutating func notes() throws(Refusal.Reason) -> Notes {
        var notes = Notes()
        for segment in segments where segment.type == SegmentType.note {
            try collect(&notes, offset: segment.offset, size: segment.fileSize, alignment: segment.alignment)
        }
        if notes.plugin == nil, let (offset, count) = sectionTable {
            let table = try read("its section headers", at: offset, count: count * 64)
            for at in stride(from: 0, to: count * 64, by: 64) where try table.int(at + 4) == 7 {
                try collect(
                    &notes, offset: try table.word(at + 24), size: try table.word(at + 32),
                    alignment: try table.word(at + 48))
            }
        }
        return notes
    }

    /// Reads one sequence of notes, at most its first 64 KiB.
    private mutating func collect(_ notes: inout Notes, offset: UInt64, size: UInt64, alignment: UInt64)
        throws(Refusal.Reason)
    {
        let table = try read("a note", at: offset, count: Int(min(size, 65_536)))
        let step = alignment == 8 ? 8 : 4
        func aligned(_ value: Int) -> Int { (value + step - 1) / step * step }
        var at = 0
        while at + 12 <= table.bytes.count {
            let (nameSize, size) = (Int(try table.int(at)), Int(try table.int(at + 4)))
            let name = at + 12
            let descriptor = aligned(name + nameSize)
            guard descriptor + size <= table.bytes.count else { return }
            let type = try table.int(at + 8)
            let label = table.bytes[name..<name + nameSize]
            if type == 1, size >= 16, label.elementsEqual("schedhost\0".utf8) {
                let note = PluginNote(
                    abiMajor: try table.int(descriptor), abiMinor: try table.int(descriptor + 4),
                    needsMinor: try table.int(descriptor + 8), language: try table.int(descriptor + 12))
                if let other = notes.plugin, other != note {
                    throw .damaged("it has two notes for schedhost that disagree; one SCHEDHOST_PLUGIN is allowed")
                }
                notes.plugin = note
            } else if type == 3, (1...64).contains(size), label.elementsEqual("GNU\0".utf8), notes.buildID == nil {
                notes.buildID = table.bytes[descriptor..<descriptor + size].reduce(into: "") { text, byte in
                    text += (byte < 16 ? "0" : "") + String(byte, radix: 16)
                }
            }
            at = aligned(descriptor + size)
        }
    }
}

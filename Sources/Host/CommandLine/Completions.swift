internal import HostValues

/// Generates completion scripts for shells from the table of commands. Pure.
public enum Completions {
    /// The script for a shell.
    public static func text(for shell: Shell) -> String {
        switch shell {
        case .bash: bash()
        case .zsh: zsh()
        case .fish: fish()
        }
    }

    private static let program = CommandTable.program
    private static var names: [String] { CommandTable.commands.map(\.name.rawValue) }

    /// What a shell offers as an option's value: fixed words, words that `schedhost completion` lists, or paths.
    private enum Values {
        case words([String]), asked(WordsOptions.Kind), files, directories, anything
    }

    private static func values(_ kind: ValueKind?) -> Values {
        switch kind {
        case .choice(let words): .words(words)
        case .file: .files
        case .directory: .directories
        case .plugin: .asked(.plugins)
        case .routine: .asked(.routines)
        case .session: .asked(.sessions)
        case .text, .count, .duration, .time, .moment, .address, nil: .anything
        }
    }

    // MARK: bash

    private static func bash() -> String {
        var text = """
            # bash completion for \(program); print it again with: \(program) completion bash
            # What a host has, or nothing: words before a tab. None of them is looked at by the shell.
            _\(program)_words() {
                local word meaning index directory
                local -a state=()
                for ((index = 1; index < COMP_CWORD; index++)); do
                    [[ ${COMP_WORDS[index]} == --state ]] || continue
                    directory=${COMP_WORDS[index + 1]}
                    [[ $directory == = ]] && directory=${COMP_WORDS[index + 2]}
                    state=(--state "${directory/#\\~/$HOME}")
                done
                while IFS=$'\\t' read -r word meaning; do
                    [[ $word == "$current"* ]] && COMPREPLY+=("$word")
                done < <("${COMP_WORDS[0]/#\\~/$HOME}" completion "$1" "${state[@]}" 2>/dev/null)
            }
            _\(program)() {
                local current=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]} command=run
                case ${COMP_WORDS[1]} in -*) ;; *) command=${COMP_WORDS[1]} ;; esac
                [[ $current == = ]] && current=
                [[ $before == = ]] && before=${COMP_WORDS[COMP_CWORD - 2]}
                COMPREPLY=()
                if [ "$COMP_CWORD" -eq 1 ]; then
                    COMPREPLY=($(compgen -W "\(names.joined(separator: " ")) --plugins --help --version" -- "$current"))
                    return
                fi
                case "$command $before" in

            """
        for command in CommandTable.commands {
            for option in command.options where option.value != nil {
                let action =
                    switch values(option.value) {
                    case .words(let words):
                        "COMPREPLY=($(compgen -W \"\(words.joined(separator: " "))\" -- \"$current\"))"
                    case .asked(let kind): "_\(program)_words \(kind.rawValue)"
                    case .files: "COMPREPLY=($(compgen -f -- \"$current\"))"
                    case .directories: "COMPREPLY=($(compgen -d -- \"$current\"))"
                    case .anything: ":"
                    }
                text += "        \"\(command.name.rawValue) --\(option.name.rawValue)\") \(action); return ;;\n"
            }
        }
        for command in CommandTable.commands {
            for (first, words) in command.secondOperand.sorted(by: { $0.key < $1.key }) {
                let reply = "COMPREPLY=($(compgen -W \"\(words.joined(separator: " "))\" -- \"$current\"))"
                text += "        \"\(command.name.rawValue) \(first)\") \(reply); return ;;\n"
            }
        }
        text += "    esac\n    case $command in\n"
        for command in CommandTable.commands {
            let words = command.firstOperand + command.options.map { "--\($0.name.rawValue)" } + ["--help"]
            let files = command.operands.contains("FILE") ? "; COMPREPLY+=($(compgen -f -- \"$current\"))" : ""
            let asked = command.takesIdentifiers ? "; _\(program)_words ids" : ""
            text +=
                "        \(command.name.rawValue)) COMPREPLY=($(compgen -W \"\(words.joined(separator: " "))\" -- \"$current\"))\(files)\(asked) ;;\n"
        }
        return text + "    esac\n}\ncomplete -F _\(program) \(program)\n"
    }

    // MARK: zsh

    private static func zsh() -> String {
        var text = """
            #compdef \(program)
            # zsh completion for \(program); print it again with: \(program) completion zsh
            _\(program)_words() {
                local -a state offered
                local line directory
                integer place=${all[(i)--state]}
                if (( place < $#all )); then
                    directory=$all[place+1]
                else
                    directory=${${all[(r)--state=*]}#--state=}
                fi
                [[ -n $directory ]] && state=(--state ${(Q)directory/#\\~/$HOME})
                for line in ${(f)"$(${~all[1]} completion $1 $state 2>/dev/null)"}; do
                    offered+=("${${line%%$'\\t'*}//:/\\\\:}:${line#*$'\\t'}")
                done
                _describe word offered
            }
            _\(program)() {
                local -a all=($words) commands
                commands=(

            """
        for command in CommandTable.commands {
            text += "        '\(command.name.rawValue):\(escaped(command.summary))'\n"
        }
        text += """
                )
                if (( CURRENT == 2 )) && [[ $words[2] != -* ]]; then
                    _describe command commands
                    return
                fi
                local command=run
                [[ $words[2] == -* ]] || { command=$words[2]; shift words; (( CURRENT-- )) }
                case $command in

            """
        for command in CommandTable.commands {
            var arguments = command.options.map { option -> String in
                var entry = "--\(option.name.rawValue)"
                if option.value != nil { entry += "=" }
                entry += "[\(escaped(option.help))]"
                switch values(option.value) {
                case .words(let words): return "\(entry):\(option.placeholder):(\(words.joined(separator: " ")))"
                case .asked(let kind): return "\(entry):\(option.placeholder): _\(program)_words \(kind.rawValue)"
                case .files: return "\(entry):\(option.placeholder):_files"
                case .directories: return "\(entry):\(option.placeholder):_files -/"
                case .anything: return option.value == nil ? entry : "\(entry):\(option.placeholder):"
                }
            }
            arguments.append("(-h --help)--help[show the help]")
            if !command.firstOperand.isEmpty {
                arguments.append("1:word:(\(command.firstOperand.joined(separator: " ")))")
            }
            let second = command.secondOperand.values.flatMap { $0 }
            if !second.isEmpty { arguments.append("2:word:(\(second.joined(separator: " ")))") }
            if command.operands.contains("FILE") { arguments.append("*:file:_files") }
            if command.takesIdentifiers { arguments.append("*:id: _\(program)_words ids") }
            let words = arguments.map { "'\($0)'" }.joined(separator: " ")
            text += "        \(command.name.rawValue)) _arguments \(words) ;;\n"
        }
        return text + "    esac\n}\n_\(program) \"$@\"\n"
    }

    /// A text for use between single quotes, in a context where brackets and colons are special.
    private static func escaped(_ text: String) -> String {
        var result = ""
        for character in text {
            switch character {
            case "'": result += "’"
            case "[", "]", ":", "\\": result += "\\\(character)"
            default: result.append(character)
            }
        }
        return result
    }

    // MARK: fish

    private static func fish() -> String {
        func quoted(_ text: String) -> String {
            "'" + text.replacing("\\", with: "\\\\").replacing("'", with: "\\'") + "'"
        }
        var text = "# fish completion for \(program); print it again with: \(program) completion fish\n"
        text += """
            function __\(program)_words
                set -l words (commandline -opc)
                set -l state
                for place in (seq (count $words))
                    switch $words[$place]
                        case --state
                            set state --state (string replace -r '^~' $HOME -- $words[(math $place + 1)])
                        case '--state=*'
                            set state --state (string replace -- '--state=' '' $words[$place] | string replace -r '^~' $HOME)
                    end
                end
                command $words[1] completion $argv[1] $state 2>/dev/null
            end

            """
        // A command line with options only means `run`.
        text += """
            function __\(program)_is
                set -l words (commandline -opc)
                set -l command run
                if set -q words[2]; and not string match -q -- '-*' $words[2]
                    set command $words[2]
                end
                test $command = $argv[1]
            end
            complete -c \(program) -f
            complete -c \(program) -s h -l help -d 'show the help'

            """
        let isFirst = "'test (count (commandline -opc)) -eq 1'"
        for command in CommandTable.commands {
            let name = command.name.rawValue
            text += "complete -c \(program) -n \(isFirst) -a \(name) -d \(quoted(command.summary))\n"
            let condition = quoted("__\(program)_is \(name)")
            for option in command.options {
                var line = "complete -c \(program) -n \(condition) -l \(option.name.rawValue) -d \(quoted(option.help))"
                switch values(option.value) {
                case .words(let words): line += " -x -a \(quoted(words.joined(separator: " ")))"
                case .asked(let kind): line += " -x -a '(__\(program)_words \(kind.rawValue))'"
                case .files: line += " -r -F"
                case .directories: line += " -x -a '(__fish_complete_directories)'"
                case .anything: if option.value != nil { line += " -x" }
                }
                text += line + "\n"
            }
            if !command.firstOperand.isEmpty {
                text +=
                    "complete -c \(program) -n \(condition) -a \(quoted(command.firstOperand.joined(separator: " ")))\n"
            }
            for (first, words) in command.secondOperand.sorted(by: { $0.key < $1.key }) {
                let after = quoted("__\(program)_is \(name); and contains \(first) (commandline -opc)")
                text += "complete -c \(program) -n \(after) -a \(quoted(words.joined(separator: " ")))\n"
            }
            if command.takesIdentifiers {
                text += "complete -c \(program) -n \(condition) -a '(__\(program)_words ids)'\n"
            }
            if command.operands.contains("FILE") { text += "complete -c \(program) -n \(condition) -F\n" }
        }
        return text
    }
}

# Completion of haulmail for fish. It asks haulmail itself what may stand where the cursor is.

function __haulmail_complete
    set -l program (commandline -opc)[1]
    set -l answer ($program __complete -- fish (commandline -cp) </dev/null 2>/dev/null)
    set -l kind $answer[1]
    set -e answer[1]
    set -l token (commandline -ct)
    set -l flag (string match -r '^--[^=]*=' -- $token)
    set -l path (string replace -r '^--[^=]*=' '' -- $token)
    switch "$kind"
        case files
            __fish_complete_path "$path" | string replace -r '^' -- "$flag"
        case folders
            __fish_complete_directories "$path" | string replace -r '^' -- "$flag"
        case words
            printf '%s\n' $answer
    end
end

complete -c haulmail -f -a '(__haulmail_complete)'

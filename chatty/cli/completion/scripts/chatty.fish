# Hands the line up to the cursor to chatty, and shows what that offers.
function __chatty_offers
    for said in (env _CHATTY_COMPLETE=fish chatty (string join ' ' -- (commandline -cp)) 2>/dev/null)
        switch $said
            case files
                set -l word (commandline -ct)
                set -l option (string match -r -- '^--[^=]+=' $word)
                for path in (__fish_complete_path (string replace -r -- '^--[^=]+=' '' $word))
                    echo "$option$path"
                end
            case '=*'
                string sub -s 2 -- $said
        end
    end
end
complete -c chatty -f -a '(__chatty_offers)'

_efnas_completion() {
    local IFS=$'
'
    COMPREPLY=( $( env COMP_WORDS="${COMP_WORDS[*]}" \
                   COMP_CWORD=$COMP_CWORD \
                   _EFNAS_COMPLETE=complete_bash $1 ) )
    case ${COMPREPLY[0]} in *[=/]) compopt -o nospace ;; esac
    return 0
}

complete -o default -F _efnas_completion efnas

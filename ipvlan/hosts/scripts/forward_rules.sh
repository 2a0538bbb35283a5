# Function forward_rules: what beside Docker's own table decides on forwarded IPv4 packets, for a host where Docker's rules are in
# nftables, and so no rule of iptables is Docker's. Changes nothing. Argument: the user's id.
# Output:
#   forward_rules   read; or unknown, where the user may read neither iptables nor nftables
#   iptables        a line per policy and rule that forwarded packets may meet: the program, and what its `-S` prints
#   nftables        a line per table of nftables with a chain that drops what it does not accept: its JSON

show_filter() {
  while read -r option chain rest; do
    case "$option $chain" in
      "-P FORWARD" | "-A "*)
        case $chain in INPUT | OUTPUT) ;; *) echo "iptables=$1 $option $chain $rest" ;; esac
        ;;
    esac
  done
}

forward_rules() {
  become='sudo -n'
  [ "$1" = 0 ] && become=''
  rules_read=unknown by_iptables=''
  # shellcheck disable=SC2086  # two words, or none
  if rules=$($become iptables -S 2>&1); then
    rules_read='read'
    printf '%s\n' "$rules" | show_filter iptables
    # Read only where iptables says so: a look creates the table.
    case $rules in *"iptables-legacy tables present"*) $become iptables-legacy -S 2>/dev/null | show_filter iptables-legacy ;; esac
    case $($become iptables -V 2>/dev/null) in *nf_tables*) by_iptables='ip filter' ;; esac
  fi
  # shellcheck disable=SC2086
  if chains=$($become nft list chains 2>/dev/null); then
    rules_read='read' shown=$by_iptables table=''
    while read -r first second rest; do
      case "$first $second $rest" in
        "table "*) table="$second ${rest%% *}" ;;
        *"hook forward"*"policy drop"*)
          case $table in
            "$shown" | "$by_iptables") ;;
            "ip "* | "inet "*)
              shown=$table
              echo "nftables=$($become nft -j -t list table $table 2>/dev/null)"
              ;;
          esac
          ;;
      esac
    done <<EOF
$chains
EOF
  fi
  echo "forward_rules=$rules_read"
}

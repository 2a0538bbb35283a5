# Prints what decides whether a host can carry the fabric. Changes nothing.
# Variables: parent (NIC of the fabric), docker_seconds (time limit of each question to Docker), nftables_since (the first major
# version of Docker that can write nftables).
# Output:
#   user             name of the ssh user
#   clock            seconds since 1970
#   kernel           release of the kernel
#   ipvlan           yes or no: whether the kernel has the module
#   docker_command   yes or no
#   docker           version of the Engine; or docker_failure, Docker's words where it does not answer
#   engine           id of the Engine, where it answers
#   userns_remap     yes or no: whether it has root in containers be another user of the host, where it answers
#   firewall         where its version can write nftables, what it writes: iptables, nftables, or one of them and +firewalld; nftables
#                    also where it does not answer and its daemon.json says so
#   docker_bridge    yes or no: whether Docker has its network bridge
#   link             a line per network interface: name=NAME flags=HEX carrier=0|1 wireless=0|1
#   macvlan          a line per macvlan interface on the parent: its name
#   address          a line per IPv4 address of the host
#   nonlocal_bind    1 where a process may bind an address that the host does not have (net.ipv4.ip_nonlocal_bind)
#   forward          0 or 1: whether the kernel forwards IPv4
#   forward_kept     yes or no: whether a file of sysctl.d(5) has the kernel forward after a reboot; only where Docker writes nftables
#   forward_rules, iptables, nftables  as forward_rules.sh prints them; only where Docker writes nftables
#   drop             a line per firewall rule that may drop what goes to published ports
#   listen           a line per listening socket: protocol=tcp|udp address=ADDRESS:PORT process=TEXT
: "${parent?}" "${docker_seconds?}" "${nftables_since?}"
. ./forward_rules.sh
firewall=''

echo "user=$(id -un)"
echo "clock=$(date +%s)"

read -r kernel < /proc/sys/kernel/osrelease
echo "kernel=$kernel"
if [ -d /sys/module/ipvlan ] || modprobe -n -q ipvlan 2>/dev/null ||
  find "/lib/modules/$kernel" -name 'ipvlan.ko*' 2>/dev/null | grep -q . ||
  grep -qs 'ipvlan[.]ko' "/lib/modules/$kernel/modules.builtin"; then
  echo ipvlan=yes
else
  echo ipvlan=no
fi

if ! command -v docker >/dev/null 2>&1; then
  echo docker_command=no
else
  echo docker_command=yes
  # Its last line: a command line that cannot read its own settings complains first.
  reply=$(timeout "$docker_seconds" docker version --format '{{.Server.Version}}' 2>&1)
  status=$?
  reply=$(printf '%s\n' "$reply" | tail -n 1)
  case $status in
    0)
      echo "docker=$reply"
      major=${reply%%[!0-9]*}
      info=''
      if [ "${major:-0}" -ge "$nftables_since" ]; then
        # A command line that is older than API 1.49 does not know the field, and may print nothing at all.
        format='{{.ID}} {{.SecurityOptions}}{{with .FirewallBackend}} firewall={{.Driver}}{{end}}'
        info=$(timeout "$docker_seconds" docker info --format "$format" 2>/dev/null)
        case $info in *" firewall="*) firewall=${info##* firewall=} ;; esac
      fi
      [ -n "$info" ] || info=$(timeout "$docker_seconds" docker info --format '{{.ID}} {{.SecurityOptions}}' 2>/dev/null)
      echo "engine=${info%% *}"
      # moby, fillSecurityOptions in daemon/info.go.
      case $info in *name=userns*) echo userns_remap=yes ;; *) echo userns_remap=no ;; esac
      # docker0 is the bridge; its name can be changed, so only Docker knows that there is none.
      if [ -e /sys/class/net/docker0 ] || timeout "$docker_seconds" docker network inspect bridge >/dev/null 2>&1; then
        echo docker_bridge=yes
      else
        echo docker_bridge=no
      fi
      ;;
    124) silent=yes; echo "docker_failure=no answer within $docker_seconds seconds" ;;
    *) silent=yes; echo "docker_failure=${reply:-exit status $status}" ;;
  esac
fi

for nic in /sys/class/net/*; do
  flags='' carrier='' wireless=0
  [ -r "$nic/flags" ] && read -r flags < "$nic/flags"
  # Unreadable while the link is down.
  { read -r carrier < "$nic/carrier"; } 2>/dev/null
  if [ -e "$nic/wireless" ] || [ -e "$nic/phy80211" ]; then wireless=1; fi
  echo "link=name=${nic##*/} flags=${flags:-0} carrier=${carrier:-0} wireless=$wireless"
done
ip -o link show type macvlan 2>/dev/null | while read -r _ name _; do
  case $name in *"@$parent:") echo "macvlan=${name%%@*}" ;; esac
done

ip -o -4 address show 2>/dev/null | while read -r _ _ _ address _; do
  echo "address=${address%%/*}"
done
[ -r /proc/sys/net/ipv4/ip_nonlocal_bind ] && read -r bind </proc/sys/net/ipv4/ip_nonlocal_bind
echo "nonlocal_bind=${bind:-0}"

# A shell that reads byte by byte sees no end of line in a number of /proc/sys, and calls it a failure.
read -r forward < /proc/sys/net/ipv4/ip_forward
echo "forward=$forward"
# It says why Docker does not start where the kernel does not forward.
if [ "${silent:-}" = yes ] && grep -qs '"firewall-backend"[[:space:]]*:[[:space:]]*"nftables"' /etc/docker/daemon.json; then
  echo firewall=nftables
fi
case $firewall in
  '') ;;
  nftables*)
    echo "firewall=$firewall"
    if grep -rqsE '^[[:space:]]*-?net[./]ipv4[./](ip_forward|conf[./]all[./]forwarding)[[:space:]]*=[[:space:]]*1' \
      /etc/sysctl.conf /etc/sysctl.d /run/sysctl.d /usr/local/lib/sysctl.d /usr/lib/sysctl.d; then
      echo forward_kept=yes
    else
      echo forward_kept=no
    fi
    forward_rules "$(id -u)"
    ;;
  *) echo "firewall=$firewall" ;;
esac
iptables -S DOCKER-USER 2>/dev/null | while read -r rule; do
  case $rule in *"-j DROP"* | *"-j REJECT"*) echo "drop=iptables $rule" ;; esac
done
# iptables-nft shows its own chains here too. Docker's policy there comes with the rules that let published ports through.
nft list chains 2>/dev/null | while read -r first second rest; do
  case $first in table) table="$second $rest" ;; esac
  case "$first $second $rest" in
    *"hook forward"*"policy drop"*)
      case $table in
        "ip filter"* | "ip6 filter"* | "ip docker-bridges"* | "ip6 docker-bridges"*) ;;
        *) echo "drop=nftables table ${table%%{*}: forward policy drop" ;;
      esac
      ;;
  esac
done
ss -Hlntup 2>/dev/null | while read -r protocol _ _ _ local _ process; do
  echo "listen=protocol=$protocol address=$local process=$process"
done

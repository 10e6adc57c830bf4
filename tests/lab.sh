#!/usr/bin/env bash
# Networks that are bad on purpose, made of network namespaces and nftables: what `make lab` opens, and where the tests
# of TURN run. As root on Linux, with iproute2 and nftables; `shell` wants coturn and openssl too.
#
#   tests/lab.sh list               every lab and what it is, one a line
#   tests/lab.sh check LAB          fails with the list if there is no such lab
#   tests/lab.sh up LAB PREFIX      makes the namespaces PREFIX-inside, PREFIX-server and so on
#   tests/lab.sh coturn LAB         options that coturn needs in this lab, one a line
#   tests/lab.sh down PREFIX        ends what runs in them, and removes them
#   tests/lab.sh shell LAB FOLDER   a shell on the inside, with FOLDER in PATH and coturn at the server
#
#   inside  -- nat  --+              +-- server  203.0.113.10 and .11
#                     +-- internet --+
#   inside2 -- nat2 --+              +-- outside 198.51.100.5
#
# inside is 10.1.0.2 behind 192.0.2.2, and inside2 is 10.2.0.2 behind 192.0.2.6; in `open` they are 192.0.2.66 and .82
# themselves. In `double` both NATs are at a third one, `carrier`, which is 192.0.2.10.
set -euo pipefail

readonly SERVER=203.0.113.10 SECOND=203.0.113.11 OUTSIDE=198.51.100.5 PRIVATE_RELAY=10.9.0.10
readonly NAMES=(inside inside2 nat nat2 carrier internet server outside)

list() {
  cat <<'LABS'
open              public addresses, and nothing in between
cone              a NAT with one mapping for all, which lets in what is answered (as most at home)
full-cone         a NAT with one mapping for all, which lets in everybody
symmetric         a NAT with another mapping for each destination (as in many companies)
double            a NAT behind the carrier's NAT, which does not hairpin
double-hairpin    a NAT behind the carrier's NAT, which does hairpin
udp-dropped       a cone that drops UDP but for DNS
udp-rejected      a cone that rejects UDP with ICMP but for DNS
tcp-443           a cone that lets out TCP to port 443 and DNS alone
dns-only          a cone that lets out DNS alone, and resets TCP
relay-in-blocked  a firewall at the server that drops what is for the relayed ports
relay-out-blocked a firewall at the server that drops what comes from the relayed ports
private-relay     a server that relays from an address which it believes to have
narrow            a cone whose way out carries 1300 bytes in one piece
loss              a cone that loses UDP: one datagram of five by chance, or LOSS percent
loss-every-fifth  the same without chance: each fifth datagram of an allocation, and of the data for it
LABS
}

# The text of a lab, or nothing.
about() {
  list | sed -n "s/^$1  *//p"
}

check() {
  [[ ${1:-} =~ ^[a-z0-9-]+$ ]] && [ -n "$(about "$1")" ] && return
  [ -z "${1:-}" ] || echo "there is no lab \`$1\`" >&2
  echo "labs, such as for: make lab NAME=symmetric" >&2
  list | sed 's/^/  /' >&2
  exit 2
}

# What each namespace is given: lines for `ip`, and rules for nft.
declare -A devices rules
links=""

# join NEAR DEVICE ADDRESS FAR DEVICE ADDRESS: a cable between two namespaces.
join() {
  links+="link add $2 netns $prefix-$1 type veth peer name $5 netns $prefix-$4"$'\n'
  device "$1" "$2" "$3"
  device "$4" "$5" "$6"
}

device() {
  devices[$1]+="addr add $3 dev $2"$'\n'"link set $2 up"$'\n'
}

route() {
  devices[$1]+="route add $2 via $3"$'\n'
}

# A NAT as Linux makes it: the port is kept where it is free, so that the mapping is the same for all destinations. What
# nobody asked for is dropped: else its entry would take the port from the packet that goes out later.
masquerade() {
  rules[$1]+="
    table ip nat {
      chain post { type nat hook postrouting priority srcnat; oifname \"wan\" masquerade ${2:-}; }
      chain unasked { type filter hook input priority filter; iifname \"wan\" ct state new drop; }
    }"
}

# Rules for what a NAT passes on.
forward() {
  rules[$1]+="
    table inet firewall {
      chain pass { type filter hook forward priority filter; $2 }
    }"
}

# What comes from the inside is answered; the rest of it is as the rules say.
outward() {
  forward nat "ct state established,related accept; iifname \"wan\" accept; $1"
}

topology() {
  local above=internet wan=192.0.2.2 gate=192.0.2.1 wan2=192.0.2.6 gate2=192.0.2.5
  local lan=10.1.0 lan2=10.2.0 host=2 host2=2 first=1 first2=1 bits=24
  case $1 in
    open) lan=192.0.2 lan2=192.0.2 first=65 host=66 first2=81 host2=82 bits=28 ;;
    double*)
      above=carrier wan=100.64.1.2 gate=100.64.1.1 wan2=100.64.2.2 gate2=100.64.2.1
      join internet shared 192.0.2.9/30 carrier wan 192.0.2.10/30
      route carrier default 192.0.2.9
      masquerade carrier
      ;;
  esac
  join internet server 203.0.113.1/24 server eth0 $SERVER/24
  devices[server]+="addr add $SECOND/24 dev eth0"$'\n'
  route server default 203.0.113.1
  join internet outside 198.51.100.1/24 outside eth0 $OUTSIDE/24
  route outside default 198.51.100.1
  join $above nat $gate/30 nat wan $wan/30
  join $above nat2 $gate2/30 nat2 wan $wan2/30
  route nat default $gate
  route nat2 default $gate2
  join nat lan $lan.$first/$bits inside eth0 $lan.$host/$bits
  join nat2 lan $lan2.$first2/$bits inside2 eth0 $lan2.$host2/$bits
  route inside default $lan.$first
  route inside2 default $lan2.$first2
  if [ "$1" = narrow ]; then
    devices[nat]+="link set wan mtu 1300"$'\n'
    devices[internet]+="link set nat mtu 1300"$'\n'
  fi
  if [ "$1" = open ]; then
    route internet 192.0.2.64/28 $wan
    route internet 192.0.2.80/28 $wan2
  fi
}

behaviour() {
  case $1 in
    open) return ;;
    symmetric) masquerade nat random,fully-random && masquerade nat2 random,fully-random ;;
    *) masquerade nat && masquerade nat2 ;;
  esac
  local side
  case $1 in
    full-cone)
      for side in nat:10.1.0.2 nat2:10.2.0.2; do
        rules[${side%:*}]+="
          table ip open {
            chain in { type nat hook prerouting priority dstnat; iifname \"wan\" meta l4proto udp dnat to ${side#*:}; }
          }"
      done
      ;;
    double-hairpin)
      # Whoever sent from a port is who is meant by it.
      rules[carrier]+="
        table ip hairpin {
          map owner { type inet_service : ipv4_addr; flags dynamic,timeout; timeout 60s; size 4096; }
          chain learn {
            type filter hook forward priority filter;
            iifname { nat, nat2 } meta l4proto udp update @owner { udp sport : ip saddr };
          }
          chain in {
            type nat hook prerouting priority dstnat;
            ip daddr 192.0.2.10 meta l4proto udp dnat to udp dport map @owner;
          }
          chain out {
            type nat hook postrouting priority srcnat;
            iifname { nat, nat2 } oifname { nat, nat2 } snat to 192.0.2.10;
          }
        }"
      ;;
    udp-dropped) outward 'udp dport != 53 drop;' ;;
    udp-rejected) outward 'udp dport != 53 reject with icmpx type admin-prohibited;' ;;
    tcp-443) outward 'tcp dport 443 accept; udp dport 53 accept; drop;' ;;
    dns-only) outward 'udp dport 53 accept; meta l4proto tcp reject with tcp reset; drop;' ;;
    relay-in-blocked) forward internet 'oifname "server" udp dport 49152-65535 drop;' ;;
    relay-out-blocked) forward internet 'iifname "server" udp sport 49152-65535 drop;' ;;
    loss) forward nat "meta l4proto udp numgen random mod 100 < ${LOSS:-20} drop;" ;;
    loss-every-fifth)
      # All but Binding, by the type of the message. Each way has a count of its own, and begins elsewhere.
      forward nat 'udp dport 3478 @th,64,16 != 0x0001 numgen inc mod 5 0 drop;
        udp sport 3478 @th,64,16 != 0x0101 numgen inc mod 5 2 drop;
        ip daddr 203.0.113.10 udp dport 49152-65535 numgen inc mod 5 4 drop;'
      ;;
  esac
}

# Labs of whoever was killed before it could remove them.
sweep() {
  local name
  ip netns list | sed -n 's/^\(cc[0-9]\+-[0-9]\+\)-internet\b.*/\1/p' | while read -r name; do
    [ -d "/proc/$(expr "$name" : 'cc\([0-9]*\)-')" ] || down "$name"
  done
}

up() {
  local prefix=$2 side
  sweep
  topology "$1"
  behaviour "$1"
  # One call for all: programs are dear where many labs are made at a time.
  { printf "netns add $prefix-%s\n" "${!devices[@]}" && printf %s "$links"; } | ip -batch -
  local waits=()
  for side in "${!devices[@]}"; do
    printf '%s' "link set lo up"$'\n' "${devices[$side]}" | ip -n "$prefix-$side" -batch - &
    waits+=($!)
  done
  for side in "${waits[@]}"; do wait "$side"; done
  for side in nat nat2 internet carrier; do
    [ -n "${devices[$side]:-}" ] || continue
    # Written to directly: not every machine has sysctl.
    ip netns exec "$prefix-$side" sh -c 'echo 1 >/proc/sys/net/ipv4/ip_forward && exec nft -f -' <<<"${rules[$side]:-}"
  done
}

down() {
  local side pids
  for side in "${NAMES[@]}"; do
    pids=$(ip netns pids "$1-$side" 2>/dev/null || true)
    # Each was started in a namespace of ours, and may have ended by itself meanwhile.
    [ -z "$pids" ] || kill $pids 2>/dev/null || true
    ip netns del "$1-$side" 2>/dev/null || true
  done
}

coturn() {
  [ "$1" != private-relay ] || printf -- '--external-ip\n%s\n' "$PRIVATE_RELAY"
}

shell() {
  local lab=$1 prefix="cc$$-0" folder program
  for program in ip nft turnserver openssl; do
    command -v $program >/dev/null || { echo "a lab needs $program; tests/tools.sh installs what is missing" >&2; exit 3; }
  done
  [ "$(id -u)" -eq 0 ] || { echo "a lab needs root: sudo make lab NAME=$lab" >&2; exit 3; }
  folder=$(mktemp -d)
  trap 'down "$prefix"; rm -rf "$folder"' EXIT
  trap 'exit 130' INT
  trap 'exit 143' TERM HUP
  up "$lab" "$prefix"
  openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj "/CN=$SERVER" \
    -addext "subjectAltName=IP:$SERVER" -keyout "$folder/key.pem" -out "$folder/cert.pem" 2>/dev/null
  # coturn gives up root, and must read its key all the same.
  chmod 755 "$folder" && chmod 644 "$folder/key.pem"
  ip netns exec "$prefix-server" turnserver -n --no-cli --realm lab --lt-cred-mech --user me:secret \
    --listening-ip $SERVER --listening-ip $SECOND --relay-ip $SERVER --aux-server $SERVER:443 --min-port 49152 \
    --cert "$folder/cert.pem" --pkey "$folder/key.pem" --pidfile "$folder/pid" --db "$folder/db" \
    --simple-log --log-file stdout $(coturn "$lab") >"$folder/turn.log" 2>&1 </dev/null &
  local tries=0
  until ip netns exec "$prefix-server" bash -c "exec 3<>/dev/tcp/$SERVER/3478" 2>/dev/null; do
    tries=$((tries + 1))
    [ $tries -lt 200 ] || { echo "coturn does not start:" >&2; cat "$folder/turn.log" >&2; exit 3; }
    sleep 0.05
  done
  cat >&2 <<TEXT
lab $lab: $(about "$lab")
You are on the inside. coturn is at $SERVER, on 3478, 5349 and 443, for the user me; callcheck knows him and the
certificate. Whoever is elsewhere: server CMD, outside CMD, inside2 CMD.
  callcheck turn turn:$SERVER                       what a TURN server is worth from here
  server callcheck serve --listen $SERVER:2255 &    a room for both sides, then here and elsewhere:
  callcheck call demo --signal ws://$SERVER:2255 --ice-server turn:$SERVER
Leave with exit or Ctrl-D; everything is removed then.
TEXT
  printf '%s\n' "PS1='(lab $lab) \\w \\\$ '" >"$folder/rc"
  export LAB=$prefix PATH="$2:$PATH" CALLCHECK_USERNAME=me CALLCHECK_CREDENTIAL=secret CALLCHECK_CA="$folder/cert.pem"
  server() { ip netns exec "$LAB-server" "$@"; }
  outside() { ip netns exec "$LAB-outside" "$@"; }
  inside2() { ip netns exec "$LAB-inside2" "$@"; }
  export -f server outside inside2
  local code=0
  ip netns exec "$prefix-inside" bash --noprofile --rcfile "$folder/rc" || code=$?
  exit $code
}

case ${1:-} in
  list) list ;;
  check) check "${2:-}" ;;
  up) check "${2:-}" && up "$2" "${3:?a prefix}" ;;
  coturn) check "${2:-}" && coturn "$2" ;;
  down) down "${2:?a prefix}" ;;
  shell) check "${2:-}" && shell "$2" "$(cd "${3:?a folder}" && pwd)" ;;
  *) sed -n '2,/^$/{/^#/s/^# \{0,1\}//p}' "$0" >&2 && exit 2 ;;
esac

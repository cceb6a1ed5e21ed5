"""A sender and its receivers on one bridge, and ways to give them a file.

Started in network, mount and process namespaces of its own with the node binary as its argument; all
files are in memory. Orders, one a line: `lab RECEIVERS MBIT LOSS` (0 Mbit/s: as fast as it goes; LOSS in
percent, at the receivers' interfaces), `file BYTES`, `run ENTRANT`. Answers: `ok`, with the seconds for
`run`, or what went wrong.
"""

import filecmp
import json
import os
import re
import subprocess
import sys
import time

NODE = sys.argv[1]
HOME = "/mnt"
FILE = HOME + "/sent"
LIMIT = 60
SUBNET = "10.9.0."


def shell(command):
    subprocess.run(command, shell=True, check=True, capture_output=True)


def inside(number, command, **more):
    return subprocess.Popen(["ip", "netns", "exec", f"n{number}", *command], **more)


class Lab:
    def __init__(self, receivers, mbit, loss):
        self.receivers = range(1, receivers + 1)
        shell("ip link add br0 type bridge && ip link set br0 up type bridge mcast_snooping 0")
        for number in range(receivers + 1):
            shell(f"""ip netns add n{number}
                ip link add p{number} type veth peer name eth0 netns n{number}
                ip link set p{number} group 7 master br0 up
                ip -n n{number} address add {SUBNET}{number + 1}/24 broadcast + dev eth0
                ip -n n{number} link set eth0 up
                ip -n n{number} link set lo up
                ip -n n{number} route add 255.255.255.255/32 dev eth0
                ip -n n{number} route add 224.0.0.0/4 dev eth0""")
        if mbit or loss:
            # Whatever limits or loses frames is to see each by itself.
            shell("ip netns exec n0 ethtool -K eth0 tso off gso off tx-udp-segmentation off")
        if mbit:
            shell(f"ip netns exec n0 tc qdisc add dev eth0 root tbf rate {mbit}mbit burst 32kb latency 50ms")
        for number in self.receivers if loss else ():
            shell(f"""ip netns exec n{number} nft -f - <<END
                table netdev lossy {{
                    chain arriving {{
                        type filter hook ingress device eth0 priority 0;
                        ip protocol {{ udp, tcp }} numgen random mod 100 < {loss} drop
                    }}
                }}
END""")

    def remove(self):
        shell("ip link delete group 7; ip link delete br0")
        for number in range(len(self.receivers) + 1):
            shell(f"ip netns delete n{number}")

    def copies(self):
        return [f"{HOME}/r{number}/sent" for number in self.receivers]


def ours(lab):
    receivers = []
    for number in lab.receivers:
        command = [NODE, "broadcast-receive", "--interface", "eth0", "--deadline", f"{LIMIT}s"]
        command += ["--directory", f"{HOME}/r{number}"]
        receivers.append(inside(number, command, stdout=subprocess.PIPE))
    for receiver in receivers:
        receiver.stdout.readline()
    command = [NODE, "broadcast-send", "--interface", "eth0", "--to", SUBNET + "255"]
    command += ["--receivers", str(len(receivers)), "--file", FILE, "--deadline", f"{LIMIT}s"]
    sender = inside(0, command, stdout=subprocess.PIPE)
    events = [json.loads(line) for line in sender.stdout]
    finished = [event for event in events if event["event"] == "finished"]
    for receiver in receivers:
        receiver.wait(LIMIT)
    if not finished:
        raise RuntimeError(str(events[-2:]))
    return finished[0]["seconds"]


def until_all_end(senders, receivers):
    begun = time.monotonic()
    senders = [inside(0, command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) for command in senders]
    try:
        for process in [*receivers, *senders]:
            process.wait(max(0.01, begun + LIMIT - time.monotonic()))
        return time.monotonic() - begun
    finally:
        for process in [*receivers, *senders]:
            process.kill()


def quiet(number, command, **more):
    return inside(number, command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, **more)


def listening(number, port, protocol):
    """Waits until a node has a socket on a port."""
    deadline = time.monotonic() + 5
    while time.monotonic() < deadline:
        table = subprocess.run(
            ["ip", "netns", "exec", f"n{number}", "cat", f"/proc/net/{protocol}"],
            capture_output=True, text=True).stdout
        if re.search(rf":{port:04X} 0", table):
            return
    raise RuntimeError(f"nobody listens on {protocol} port {port} of n{number}")


def tcp(lab):
    receivers = [quiet(number, ["socat", "-u", "-b", "262144", "TCP-LISTEN:9100", f"CREATE:{HOME}/r{number}/sent"])
                 for number in lab.receivers]
    for number in lab.receivers:
        listening(number, 9100, "tcp")
    senders = [["socat", "-u", "-b", "262144", f"OPEN:{FILE}", f"TCP:{SUBNET}{number + 1}:9100"]
               for number in lab.receivers]
    return until_all_end(senders, receivers)


def udpcast(lab):
    receivers = [quiet(number, ["udp-receiver", "--nokbd", "--interface", "eth0", "--file", f"{HOME}/r{number}/sent"],
                       stdin=subprocess.DEVNULL) for number in lab.receivers]
    for number in lab.receivers:
        listening(number, 9000, "udp")
    count = str(len(lab.receivers))
    send = ["udp-sender", "--nokbd", "--interface", "eth0", "--file", FILE, "--min-receivers", count,
            "--full-duplex", "--max-wait", "1", "--retries-until-drop", "50"]
    return until_all_end([send], receivers)


def uftp(lab):
    servers = [quiet(number, ["uftpd", "-d", "-I", "eth0", "-D", f"{HOME}/r{number}", "-B", "4194304"])
               for number in lab.receivers]
    for number in lab.receivers:
        listening(number, 1044, "udp")
    try:
        begun = time.monotonic()
        # Rates above what a link passes make it lose more, so it is told the link's.
        rate = "2000000" if not lab.mbit else str(lab.mbit * 950)
        send = ["uftp", "-R", rate, "-r", "0.01:0.01:15", "-b", "1400", "-I", "eth0", FILE]
        inside(0, send, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).wait(LIMIT)
        return time.monotonic() - begun
    finally:
        for server in servers:
            server.kill()


DRAIN = """
import socket, sys
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.setsockopt(socket.SOL_SOCKET, 33, 8 << 20)
s.setsockopt(socket.IPPROTO_UDP, 104, int(sys.argv[1]))
s.bind(("", 5005))
print(flush=True)
b = bytearray(1 << 16)
while True: s.recv_into(b)
"""
FLOOD = """
import os, socket, struct, sys, time
size = os.path.getsize(sys.argv[1])
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
b, to = os.urandom(44 * 1472), ("10.9.0.255", 5005)
begun = time.monotonic()
for _ in range(-(-size // (44 * 1456))):
    s.sendmsg([b], [(socket.IPPROTO_UDP, 103, struct.pack("H", 1472))], 0, to)
print(time.monotonic() - begun, flush=True)
"""


def bare(lab, coalesced=False):
    """As many datagrams from a loop that does nothing else, to sockets that forget them, one by one or
    coalesced by the kernel (UDP_GRO)."""
    drain = [sys.executable, "-c", DRAIN, str(int(coalesced))]
    receivers = [inside(number, drain, stdout=subprocess.PIPE) for number in lab.receivers]
    for receiver in receivers:
        receiver.stdout.readline()
    flood = inside(0, [sys.executable, "-c", FLOOD, FILE], stdout=subprocess.PIPE)
    seconds = float(flood.stdout.readline())
    flood.wait(LIMIT)
    for receiver in receivers:
        receiver.kill()
        receiver.wait()
    return seconds


ENTRANTS = {"ours": ours, "tcp": tcp, "udpcast": udpcast, "uftp": uftp, "bare": bare,
            "bare-gro": lambda lab: bare(lab, coalesced=True)}


def run(lab, name):
    for number in lab.receivers:
        shell(f"rm -rf {HOME}/r{number} && mkdir {HOME}/r{number}")
    seconds = ENTRANTS[name](lab)
    wrong = [copy for copy in lab.copies()
             if not name.startswith("bare") and not (os.path.exists(copy) and filecmp.cmp(FILE, copy, shallow=False))]
    if wrong:
        raise RuntimeError(f"{len(wrong)} of {len(lab.receivers)} copies differ after {seconds:.1f} s")
    return f"ok {seconds:.6f}"


def obey(lab, order, words):
    if order == "lab":
        if lab:
            lab.remove()
        lab = Lab(*map(int, words))
        lab.mbit = int(words[1])
        return lab, "ok"
    if order == "file":
        with open(FILE, "wb") as file:
            file.write(os.urandom(int(words[0])))
        return lab, "ok"
    return lab, run(lab, words[0])


def main():
    shell(f"mount -t tmpfs tmpfs {HOME} && mount -t tmpfs tmpfs /run && mkdir -p /run/netns && ip link set lo up")
    lab = None
    for line in sys.stdin:
        order, *words = line.split()
        try:
            lab, answer = obey(lab, order, words)
        except subprocess.CalledProcessError as error:
            answer = " ".join(error.stderr.decode().split())
        except Exception as error:  # whatever it is, the race has to hear of it
            answer = " ".join(str(error).split()) or repr(error)
        print(answer, flush=True)


main()

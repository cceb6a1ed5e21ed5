"""Drives Mininet's own API: `up N`, `check`, `down`, each answered with `ok` or what went wrong."""

import resource
import sys

from mininet.log import setLogLevel
from mininet.net import Mininet
from mininet.nodelib import LinuxBridge
from mininet.topo import SingleSwitchTopo

# Mininet would raise limits of the whole machine and leave them so; this process's are enough.
Mininet.inited = True
resource.setrlimit(resource.RLIMIT_NOFILE, (16384, 16384))
setLogLevel("critical")


def ping(net):
    first, last = net.hosts[0], net.hosts[-1]
    output = first.cmd("ping -c 1 -W 5", last.IP())
    return "ok" if " 0% packet loss" in output else "ping: " + " ".join(output.split())


net = None
for line in sys.stdin:
    order, *words = line.split()
    answer = "ok"
    try:
        if order == "up":
            topo = SingleSwitchTopo(k=int(words[0]))
            net = Mininet(topo=topo, switch=LinuxBridge, controller=None)
            net.start()
        elif order == "check":
            answer = ping(net)
        elif order == "down":
            net.stop()
    except Exception as error:  # whatever Mininet raises, the race has to hear of
        answer = " ".join(repr(error).split())
    print(answer, flush=True)

"""The second lab's client: sends each file in one datagram. Arguments: address, port, files."""

import socket
import sys

sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM, socket.IPPROTO_UDP)
sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
sock.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
for name in sys.argv[3:]:
    with open(name, "rb") as file:
        sock.sendto(file.read(), (sys.argv[1], int(sys.argv[2])))

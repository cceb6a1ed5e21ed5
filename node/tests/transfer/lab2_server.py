"""The second lab's server: each datagram is a file. Arguments: port, folder, how many to receive."""

import os
import socket
import sys

port, folder, count = int(sys.argv[1]), sys.argv[2], int(sys.argv[3])
os.makedirs(folder, exist_ok=True)
sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM, socket.IPPROTO_UDP)
sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
sock.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
sock.bind(("", port))
print("listening", flush=True)
for number in range(1, count + 1):
    data, address = sock.recvfrom(54272)
    with open(os.path.join(folder, "img%d.jpg" % number), "wb") as file:
        file.write(data)

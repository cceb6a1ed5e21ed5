"""Broadcasts a file until so many receivers have said that they have all of it.

Usage: send.py FILE PORT RECEIVERS

A datagram is the offset of its bytes in the file and the file's length, each in eight bytes, and
then the bytes themselves. A receiver that has all answers `done`.
"""

import socket
import struct
import sys

PAYLOAD = 1400  # bytes of the file in a datagram: with its headers, it fits an Ethernet frame
BURST = 32      # datagrams sent before the answers are looked at


def main():
    path, port, receivers = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    with open(path, "rb") as file:
        data = file.read()
    wire = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    wire.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
    wire.settimeout(0.001)
    done = set()
    rounds = 0
    while len(done) < receivers:
        rounds += 1
        for number, offset in enumerate(range(0, len(data) or 1, PAYLOAD)):
            header = struct.pack("!QQ", offset, len(data))
            datagram = header + data[offset:offset + PAYLOAD]
            wire.sendto(datagram, ("255.255.255.255", port))
            if number % BURST == BURST - 1:
                listen(wire, done)
        listen(wire, done)
    print(f"{len(data)} bytes to {len(done)} receivers in {rounds} rounds")


def listen(wire, done):
    """Notes who has said that all is there."""
    try:
        while True:
            message, sender = wire.recvfrom(16)
            if message == b"done":
                done.add(sender)
    except TimeoutError:
        pass


main()

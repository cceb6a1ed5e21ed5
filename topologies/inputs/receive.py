"""Receives a file that send.py broadcasts, and tells the sender when all of it is there.

Usage: receive.py PORT FILE
"""

import socket
import struct
import sys

HEADER = struct.Struct("!QQ")  # the offset of the bytes in the file, and the file's length


def main():
    port, path = int(sys.argv[1]), sys.argv[2]
    wire = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    wire.bind(("", port))
    data, offsets, missing = None, set(), None
    while missing != 0:
        datagram, sender = wire.recvfrom(65535)
        offset, length = HEADER.unpack_from(datagram)
        payload = datagram[HEADER.size:]
        if data is None:
            data, missing = bytearray(length), length
        if offset not in offsets:
            offsets.add(offset)
            data[offset:offset + len(payload)] = payload
            missing -= len(payload)
    with open(path, "wb") as file:
        file.write(data)
    wire.sendto(b"done", sender)
    print(f"{len(data)} bytes from {sender[0]}")


main()

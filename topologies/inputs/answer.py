"""Tells everybody who connects which address they come from.

Usage: answer.py PORT
"""

import socket
import sys


def main():
    address = ("", int(sys.argv[1]))
    server = socket.create_server(address, family=socket.AF_INET6, dualstack_ipv6=True)
    print("listening", flush=True)
    while True:
        connection, peer = server.accept()
        with connection:
            # A client of IPv4 shows as ::ffff:10.1.0.11 (RFC 4291 §2.5.5.2).
            connection.sendall(f"you are {peer[0].removeprefix('::ffff:')}\n".encode())


main()

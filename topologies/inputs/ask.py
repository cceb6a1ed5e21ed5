"""Prints what the server at a host's port says.

Usage: ask.py HOST PORT
"""

import socket
import sys


def main():
    with socket.create_connection((sys.argv[1], int(sys.argv[2])), timeout=5) as connection:
        print(connection.makefile().read(), end="")


main()

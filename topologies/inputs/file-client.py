"""Clients of the file server of labs 4 and 5 as one writes them in Python, all at once.

Arguments: address, port, upload or download, thread or process, workers, file. Each client stores the file
as N-NAME, or fetches NAME and compares what came with the file. Prints a line of JSON: the seconds of each
client that did it, and why others did not.
"""

import base64
import json
import os
import socket
import sys
import time
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor


def ask(address, request):
    """The reply to a request, on a connection of its own."""
    with socket.create_connection(address) as connection:
        connection.sendall(request)
        received = bytearray()
        while not received.endswith(b"\r\n\r\n"):
            piece = connection.recv(65536)
            if not piece:
                raise OSError("the connection ended within the reply")
            received += piece
    reply = json.loads(received)
    if reply["status"] != "OK":
        raise OSError(reply["data"])
    return reply


def upload(address, path, number):
    begun = time.perf_counter()
    with open(path, "rb") as file:
        content = base64.b64encode(file.read())
    name = "%d-%s" % (number, os.path.basename(path))
    ask(address, b"UPLOAD " + name.encode() + b" " + content + b"\r\n")
    return time.perf_counter() - begun


def download(address, path, number):
    begun = time.perf_counter()
    reply = ask(address, b"DOWNLOAD " + os.path.basename(path).encode() + b"\r\n")
    content = base64.b64decode(reply["data_file"])
    seconds = time.perf_counter() - begun
    with open(path, "rb") as file:
        if file.read() != content:
            raise OSError("the content is not what was asked for")
    return seconds


def main():
    address = (sys.argv[1], int(sys.argv[2]))
    operation, model, workers, path = sys.argv[3], sys.argv[4], int(sys.argv[5]), sys.argv[6]
    operations = dict(upload=upload, download=download)
    pools = dict(thread=ThreadPoolExecutor, process=ProcessPoolExecutor)
    seconds, failures = [], []
    with pools[model](max_workers=workers) as pool:
        # A process takes a while to start, which is not the server's time.
        list(pool.map(abs, range(workers)))
        begun = time.perf_counter()
        tasks = [pool.submit(operations[operation], address, path, number) for number in range(workers)]
        for task in tasks:
            try:
                seconds.append(task.result())
            except OSError as error:
                failures.append(str(error))
        total = time.perf_counter() - begun
    print(json.dumps(dict(seconds=seconds, failures=failures, total=total)))


if __name__ == "__main__":
    main()

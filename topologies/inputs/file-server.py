"""The file server of labs 4 and 5 as one writes it in Python: one request a line, one JSON object a reply.

Arguments: port (0: any free one, printed), workers, thread or process, folder.
"""

import base64
import json
import os
import shlex
import socket
import sys
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor


def answer(folder, line):
    """The reply to a request."""
    try:
        if line[:7].upper() == b"UPLOAD ":
            head, content = line.rsplit(b" ", 1)
            command, name = shlex.split(head.decode())
            content = base64.b64decode(content, validate=True)
        else:
            command, *names = shlex.split(line.decode())
            name = names[0] if names else ""
        command = command.upper()
        if command == "LIST":
            return dict(status="OK", data=sorted(name for name in os.listdir(folder) if "." in name))
        if not name or "/" in name or name in (".", ".."):
            raise ValueError("%r is no file's name" % name)
        path = os.path.join(folder, name)
        if command in ("GET", "DOWNLOAD"):
            with open(path, "rb") as file:
                content = base64.b64encode(file.read()).decode()
            return dict(status="OK", data_namafile=name, data_file=content)
        if command == "UPLOAD":
            with open(path, "wb") as file:
                file.write(content)
            return dict(status="OK", data="%s has been uploaded" % name)
        if command == "DELETE":
            os.remove(path)
            return dict(status="OK", message="%s has been deleted" % name)
        raise ValueError("unknown command %s" % command)
    except (ValueError, OSError) as error:
        return dict(status="ERROR", data=str(error))


def serve(connection, folder):
    """Answers a client's requests until it closes the connection."""
    with connection:
        received = bytearray()
        while True:
            searched = len(received)
            piece = connection.recv(65536)
            if not piece:
                return
            received += piece
            end = received.find(b"\n", searched)
            while end >= 0:
                line = bytes(received[:end]).strip()
                del received[: end + 1]
                if line:
                    reply = json.dumps(answer(folder, line)) + "\r\n\r\n"
                    connection.sendall(reply.encode())
                end = received.find(b"\n")


def main():
    port, workers, model, folder = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3], sys.argv[4]
    os.makedirs(folder, exist_ok=True)
    listener = socket.create_server(("", port), backlog=128)
    pools = dict(thread=ThreadPoolExecutor, process=ProcessPoolExecutor)
    with pools[model](max_workers=workers) as pool:
        print("listening on port", listener.getsockname()[1], flush=True)
        while True:
            connection, _ = listener.accept()
            pool.submit(serve, connection, folder)


if __name__ == "__main__":
    main()

"""A client that writes without pause and remembers what was acknowledged."""

import configparser
import itertools
import threading
from pathlib import Path

import pymysql


class SteadyWriter:
    """Inserts users 1000, 1001, ... until stopped; a failed insert is repeated as the next one."""

    def __init__(self, option_file: Path) -> None:
        options = configparser.ConfigParser()
        options.read(option_file)
        self._client = options["client"]
        self.acknowledged: list[int] = []
        self.refused = 0
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._write)

    def __enter__(self) -> "SteadyWriter":
        self._thread.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self._stop.set()
        self._thread.join()

    def _write(self) -> None:
        connection: pymysql.Connection[pymysql.cursors.Cursor] | None = None
        for user_id in itertools.count(1000):
            if self._stop.wait(0.05):
                break
            try:
                if connection is None:
                    connection = self._connect()
                with connection.cursor() as cursor:
                    cursor.execute(
                        "insert into users (user_id, name) values (%s, %s)",
                        (user_id, f"writer {user_id}"),
                    )
                connection.commit()
            except (pymysql.err.MySQLError, OSError):
                self.refused += 1
                connection = None
            else:
                self.acknowledged.append(user_id)
        if connection is not None:
            connection.close()

    def _connect(self) -> "pymysql.Connection[pymysql.cursors.Cursor]":
        return pymysql.connect(
            host=self._client["host"],
            port=int(self._client["port"]),
            user=self._client["user"].strip('"'),
            password=self._client["password"].strip('"'),
            database="main",
            connect_timeout=5,
            read_timeout=20,
        )

"""A worker of a gateway whose picture of the cluster the test gives: `python -m ... CONFIG`."""

import json
import sys
from pathlib import Path

import anyio

from armillary.settings.program import run_program, until_signal
from armillary.vtgate.main import serving
from armillary.vtgate.tablets.cluster import Cluster
from armillary.vtgate.workers.place import Place
from armillary.vtgate.workers.worker import Worker, name_in_logs
from tests.integration.vtgate.gate import CELL, fill_cluster, settings_for, tablet
from tests.integration.vtgate.servers import Server


async def work() -> None:
    config = json.loads(sys.argv[1])
    cluster = Cluster(cell=CELL)
    tablets = [
        tablet(Server(address, 3306, Path("/")), keyspace, shard, database=database, uid=uid)
        for uid, (address, keyspace, shard, database) in enumerate(config["tablets"], 1)
    ]
    layouts: dict[str, tuple[str, ...]] = {}
    for one in tablets:
        layouts[one.keyspace] = (*layouts.get(one.keyspace, ()), one.shard)
    fill_cluster(cluster, config["vschemas"], layouts, tablets)
    place = Place.of_environment()
    assert place is not None
    name_in_logs(place)
    directory = Path(config["directory"]) / str(place.number)
    directory.mkdir(exist_ok=True)
    settings = settings_for(config["address"], directory, **config["flags"])
    async with serving(cluster, settings, Worker(place)):
        await anyio.sleep_forever()


if __name__ == "__main__":
    run_program("vtgate", lambda: until_signal(work), use_uvloop=True)

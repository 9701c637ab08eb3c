"""Generate the Python messages and type stubs of `src/armillary/pb` from its `.proto` files."""

import sys
from pathlib import Path

from grpc_tools import protoc

SOURCE_ROOT = Path(__file__).resolve().parent.parent / "src"
PB = SOURCE_ROOT / "armillary" / "pb"


def main() -> int:
    protos = sorted(str(path) for path in PB.glob("*.proto"))
    outputs = [f"--python_out={SOURCE_ROOT}", f"--pyi_out={SOURCE_ROOT}"]
    return int(protoc.main(["protoc", f"-I{SOURCE_ROOT}", *outputs, *protos]))


if __name__ == "__main__":
    sys.exit(main())

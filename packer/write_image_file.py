"""Writes the id of the image that Packer baked last to a file that Terraform reads.

    write_image_file.py MANIFEST FILE

FILE becomes {"ami_id": "ami-..."}, for terraform apply -var-file=FILE.
"""

import json
import sys
from pathlib import Path


def main(manifest: str, target: str) -> None:
    """Read Packer's manifest and write the one image of its last run."""
    told = json.loads(Path(manifest).read_text(encoding="utf-8"))
    images = [build["artifact_id"] for build in told["builds"] if build["packer_run_uuid"] == told["last_run_uuid"]]
    if len(images) != 1 or ":ami-" not in images[0]:
        sys.exit(f"{manifest} should name one image of its last run, as region:ami-...; it names {images}.")
    ami_id = images[0].partition(":")[2]
    Path(target).write_text(json.dumps({"ami_id": ami_id}) + "\n", encoding="utf-8")
    print(f"baked {ami_id}; its id is in {target}")


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    main(*sys.argv[1:])

"""The baked image as a disk, booted as a whole machine; `make image-vm`."""

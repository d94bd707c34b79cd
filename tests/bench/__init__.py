"""The benchmark: our service compared with its peers and its own limit, on one machine with a fast DynamoDB stand-in.

`python -m tests.bench` compares servers; `python -m tests.bench.soak` watches our own for several minutes.
"""

"""The benchmark: our service beside its peers and its limit, on one machine, against one fast DynamoDB stand-in.

`python -m tests.bench` compares, `python -m tests.bench.soak` watches one server for minutes.
"""

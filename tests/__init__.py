"""The tests: unit, api, storage, infra; `support` has what they run against."""

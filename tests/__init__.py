"""The tests: unit, api, storage, infra; `support` has the real parts they run against."""
